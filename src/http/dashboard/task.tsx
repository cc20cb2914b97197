import { dependencyLabel, isFresh } from '../../graph-svg.ts'
import type { DeployedParameter, DeployedTask, Graph } from '../../graph.ts'
import type { Access } from './access.ts'
import { Badge } from './badge.tsx'
import { Action, Heading, Layout } from './layout.tsx'
import { mostMeasured, type Timing } from './queries/timings.ts'
import { count, duration } from './time.tsx'

interface TaskProps {
  access: Access
  task: DeployedTask
  timing: Timing | undefined
  graph: Graph
  done: string | undefined
  now: Date
}

/** A task: what it takes, its limits, how long it takes, and what it needs. */
export function TaskPage({ access, task, timing, graph, done, now }: TaskProps) {
  const { base } = access
  const path = `/tasks/${encodeURIComponent(task.task)}`
  const needs = graph.dependencies.filter((dependency) => dependency.task === task.task)
  const neededBy = graph.dependencies.filter(({ target }) => target === task.task)
  return (
    <Layout title={task.task} access={access} here="tasks" done={done} live>
      <p class="crumbs">
        <a href={`${base}/tasks`}>Tasks</a>
      </p>
      <Heading title={task.task} live>
        {task.retiredAt && <Badge status="retired" />}
        {task.pausedAt && <Badge status="paused" />}
        <a class="button" href={`${base}/jobs?task=${encodeURIComponent(task.task)}`}>
          Its jobs
        </a>
        <Action access={access} path={`${path}/${task.pausedAt ? 'resume' : 'pause'}`}>
          {task.pausedAt ? 'Resume' : 'Pause'}
        </Action>
        {!task.retiredAt && (
          <a class="button primary" href={`${base}${path}/insert`}>
            Insert a job
          </a>
        )}
      </Heading>
      {task.description && <p class="lead">{task.description}</p>}
      <dl class="tiles">
        {tiles(task, timing).map(([name, value]) => (
          <div class="tile">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {timing && timing.measured > 0 && (
        <p class="muted">
          Times of its {count(timing.measured)} completed jobs among the newest {count(mostMeasured)} of all tasks.
        </p>
      )}
      <section aria-labelledby="parameters">
        <h2 id="parameters">Parameters</h2>
        {task.params.length === 0 ? <p class="none">It takes none.</p> : <Parameters params={task.params} />}
      </section>
      <div class="columns">
        <section aria-labelledby="needs">
          <h2 id="needs">Needs</h2>
          {needs.length === 0 && <p class="none">It depends on no other task.</p>}
          <Edges base={base} edges={needs} other="target" now={now} />
        </section>
        <section aria-labelledby="needed-by">
          <h2 id="needed-by">Needed by</h2>
          {neededBy.length === 0 && <p class="none">No task depends on it.</p>}
          <Edges base={base} edges={neededBy} other="task" now={now} />
        </section>
      </div>
    </Layout>
  )
}

function tiles(task: DeployedTask, timing: Timing | undefined): [string, string][] {
  const took = (ms: number | null | undefined) => (ms === null || ms === undefined ? '–' : duration(ms))
  return [
    ['p50', took(timing?.p50Ms)],
    ['p95', took(timing?.p95Ms)],
    ['waiting', count(timing?.waiting ?? 0)],
    ['running', count(timing?.running ?? 0)],
    ['process units', count(task.processUnits)],
    ['process limit', task.processLimit === null ? 'none' : count(task.processLimit)],
    ['attempts', count(task.maxAttempts)],
    ['timeout', task.timeoutMs === null ? 'none' : duration(task.timeoutMs)],
  ]
}

function Parameters({ params }: { params: readonly DeployedParameter[] }) {
  return (
    <div class="scroll" tabindex={0} role="group" aria-label="Parameters">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Takes</th>
            <th scope="col">Default</th>
            <th scope="col">ALL</th>
          </tr>
        </thead>
        <tbody>
          {params.map((param) => (
            <tr>
              <th scope="row">
                <code>{param.name}</code>
                {param.description && <p class="muted">{param.description}</p>}
              </th>
              <td class="args">
                <code>
                  {param.options
                    ? param.options.map((option) => JSON.stringify(option)).join(' | ')
                    : JSON.stringify(param.schema)}
                </code>
              </td>
              <td>
                {param.default === undefined ? (
                  <span class="muted">{param.required ? 'required' : 'optional'}</span>
                ) : (
                  <code>{JSON.stringify(param.default)}</code>
                )}
              </td>
              <td>{param.writeAll ? 'yes' : <span class="none">–</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface EdgesProps {
  base: string
  edges: Graph['dependencies']
  other: 'task' | 'target'
  now: Date
}

function Edges({ base, edges, other, now }: EdgesProps) {
  return (
    <ul class="rows">
      {edges.map((edge) => (
        <li class="between">
          <a href={`${base}/tasks/${encodeURIComponent(edge[other])}`}>{edge[other]}</a>
          <span>
            <span class="muted">{dependencyLabel(edge, now).join(', ')}</span>{' '}
            <Badge status={isFresh(edge, now) ? 'fresh' : 'stale'} />
          </span>
        </li>
      ))}
    </ul>
  )
}
