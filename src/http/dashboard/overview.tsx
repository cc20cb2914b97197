import type { Access } from './access.ts'
import { Badge } from './badge.tsx'
import { Meter, type Minute, Throughput } from './chart.tsx'
import { Action, Empty, Heading, Layout } from './layout.tsx'
import { mostCounted, type Overview } from './queries/overview.ts'
import { count, duration, Time } from './time.tsx'

interface OverviewProps {
  access: Access
  found: Overview
  done: string | undefined
}

/** How the queue stands. */
export function OverviewPage({ access, found, done }: OverviewProps) {
  const { base } = access
  const { depth, now, systems, running, failed } = found
  const minutes = byMinute(found)
  const ended = (outcome: 'completed' | 'failed') => minutes.reduce((sum, minute) => sum + minute[outcome], 0)
  return (
    <Layout title="Overview" access={access} here="overview" live done={done}>
      <Heading title="Overview" live>
        <a class="button primary" href={`${base}/tasks`}>
          Insert a job
        </a>
      </Heading>
      {found.tasks === 0 && (
        <Empty title="No tasks are deployed">
          Write a task, then run <code>npx jobmaster deploy</code>. It creates what is missing and tells the database
          about your tasks.
        </Empty>
      )}
      <dl class="tiles">
        {(['waiting', 'running', 'scheduled', 'blocked'] as const).map((status) => (
          <Tile name={status} href={`${base}/jobs?status=${status}`} status={status}>
            {depth[status] >= mostCounted ? `${count(mostCounted)}+` : count(depth[status])}
          </Tile>
        ))}
        <Tile name="oldest waiting" href={`${base}/jobs?status=waiting`}>
          {found.oldestWaitingSeconds === null ? '–' : duration(found.oldestWaitingSeconds * 1_000)}
        </Tile>
        <Tile name="completed, last hour" href={`${base}/jobs?status=completed`} status="completed">
          {count(ended('completed'))}
        </Tile>
        <Tile name="failed, last hour" href={`${base}/jobs?status=failed`} status="failed">
          {count(ended('failed'))}
        </Tile>
      </dl>
      <section aria-labelledby="throughput">
        <h2 id="throughput">Throughput</h2>
        <Throughput minutes={minutes} />
      </section>
      <div class="columns">
        <section aria-labelledby="systems">
          <h2 id="systems">Units in use</h2>
          {systems.length === 0 && <p class="none">No invocation has drained yet: a system appears with its first.</p>}
          <ul class="rows">
            {systems.map(({ system, unitsInUse, processUnits, jobs, pausedAt }) => (
              <li class="system">
                <div class="between">
                  <span>
                    <b>{system}</b> {pausedAt && <Badge status="paused" />}
                  </span>
                  <span class="number">
                    {count(unitsInUse)} of {count(processUnits)} units, {count(jobs)} running
                  </span>
                </div>
                <div class="between">
                  <Meter
                    used={unitsInUse}
                    of={processUnits}
                    label={`${unitsInUse} of ${processUnits} units of ${system} in use`}
                  />
                  <Action
                    access={access}
                    path={`/systems/${encodeURIComponent(system)}/${pausedAt ? 'resume' : 'pause'}`}
                  >
                    {pausedAt ? 'Resume' : 'Pause'} <span class="hidden">{system}</span>
                  </Action>
                </div>
              </li>
            ))}
          </ul>
        </section>
        <section aria-labelledby="running">
          <h2 id="running">Running now</h2>
          {running.length === 0 && <p class="none">Nothing runs. A drain takes what waits.</p>}
          <ul class="rows">
            {running.map(({ id, task, startedAt, attempt }) => (
              <li class="between">
                <a href={`${base}/jobs/${id}`}>
                  <span class="id">#{id}</span> {task}
                </a>
                <span class="muted">
                  {attempt > 1 && `attempt ${attempt}, `}since <Time at={startedAt} now={now} />
                </span>
              </li>
            ))}
          </ul>
        </section>
      </div>
      <div class="columns">
        <section aria-labelledby="failures">
          <h2 id="failures">Newest failures</h2>
          {failed.length === 0 && <p class="none">No job has failed.</p>}
          <ul class="rows">
            {failed.map(({ id, task, finishedAt, error }) => (
              <li>
                <div class="between">
                  <a href={`${base}/jobs/${id}`}>
                    <span class="id">#{id}</span> {task}
                  </a>
                  <span class="muted">
                    <Time at={finishedAt} now={now} />
                  </span>
                </div>
                <p class="error-line">{error?.message ?? 'no message'}</p>
              </li>
            ))}
          </ul>
        </section>
        <section aria-labelledby="by-task">
          <h2 id="by-task">By task, last hour</h2>
          <ByTask base={base} found={found} />
        </section>
      </div>
    </Layout>
  )
}

function Tile({ name, href, status, children }: { name: string; href: string; status?: string; children: string }) {
  return (
    <div class="tile">
      <dt class={status && `dot ${status}`}>{name}</dt>
      <dd>
        <a href={href} aria-label={`${children} ${name}`}>
          {children}
        </a>
      </dd>
    </div>
  )
}

function ByTask({ base, found }: { base: string; found: Overview }) {
  const tasks = new Map<string, { completed: number; failed: number; retried: number }>()
  for (const { task, outcome, jobs } of found.outcomes) {
    const sums = tasks.get(task) ?? { completed: 0, failed: 0, retried: 0 }
    const kind = seriesOf[outcome]
    if (kind) sums[kind] += jobs
    tasks.set(task, sums)
  }
  const busiest = [...tasks].sort(([, one], [, other]) => other.completed + other.failed - one.completed - one.failed)
  if (busiest.length === 0) return <p class="none">No job has ended in the last hour.</p>
  return (
    <div class="scroll" tabindex={0} role="group" aria-label="By task, last hour">
      <table>
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col" class="number">
              Completed
            </th>
            <th scope="col" class="number">
              Retried
            </th>
            <th scope="col" class="number">
              Failed
            </th>
          </tr>
        </thead>
        <tbody>
          {busiest.slice(0, 8).map(([task, { completed, retried, failed }]) => (
            <tr>
              <th scope="row">
                <a href={`${base}/tasks/${encodeURIComponent(task)}`}>{task}</a>
              </th>
              <td class="number">{count(completed)}</td>
              <td class={retried ? 'number warn' : 'number muted'}>{count(retried)}</td>
              <td class={failed ? 'number bad' : 'number muted'}>{count(failed)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** What the chart and the sums make of an outcome. One that was cancelled was somebody's wish. */
const seriesOf: Record<Overview['outcomes'][number]['outcome'], 'completed' | 'failed' | 'retried' | undefined> = {
  completed: 'completed',
  failed: 'failed',
  retried: 'retried',
  interrupted: 'retried',
  lost: 'retried',
  cancelled: undefined,
}

/** The last sixty minutes, those too in which nothing ended. */
function byMinute({ now, outcomes }: Overview): Minute[] {
  const last = Math.floor(now.getTime() / 60_000)
  const minutes = Array.from({ length: 60 }, (_, index): Minute => {
    return { at: new Date((last - 59 + index) * 60_000), completed: 0, retried: 0, failed: 0 }
  })
  for (const { minute, outcome, jobs } of outcomes) {
    const found = minutes[Math.floor(minute.getTime() / 60_000) - last + 59]
    const kind = seriesOf[outcome]
    if (found && kind) found[kind] += jobs
  }
  return minutes
}
