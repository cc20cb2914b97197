import { curveMonotoneX, line } from 'd3-shape'
import { dependencyLabel, isFresh } from '../../graph-svg.ts'
import { graphLayout } from '../../graph-layout.ts'
import type { Graph } from '../../graph.ts'
import type { Access } from './access.ts'
import { Badge } from './badge.tsx'
import { Empty, Heading, Layout } from './layout.tsx'
import { relative, Time } from './time.tsx'

interface GraphProps {
  access: Access
  found: Graph
  now: Date
}

/** What depends on what, drawn, and the same as a table. */
export function GraphPage({ access, found, now }: GraphProps) {
  const { base } = access
  return (
    <Layout title="Graph" access={access} here="graph" live>
      <Heading title="Graph" live />
      {found.dependencies.length === 0 ? (
        <Empty title="No task depends on another">
          Give one <code>dependencies: dependsOn(other, {'{ withinHours: 2 }'})</code>, and deploy.
        </Empty>
      ) : (
        <>
          <p class="lead">
            What is needed stands left of what needs it. A line says how old it may be, and until when what was last
            completed meets that.
          </p>
          <div class="drawing" tabindex={0} role="group" aria-label="Drawing of the dependencies">
            <Drawing base={base} found={found} now={now} />
          </div>
          <h2>Dependencies</h2>
          <div class="scroll" tabindex={0} role="group" aria-label="Dependencies">
            <table>
              <thead>
                <tr>
                  <th scope="col">Task</th>
                  <th scope="col">needs</th>
                  <th scope="col">Freshness</th>
                  <th scope="col">Last completed</th>
                  <th scope="col">Fresh until</th>
                </tr>
              </thead>
              <tbody>
                {found.dependencies.map((dependency) => (
                  <tr>
                    <th scope="row">
                      <a href={`${base}/tasks/${encodeURIComponent(dependency.task)}`}>{dependency.task}</a>
                    </th>
                    <td>
                      <a href={`${base}/tasks/${encodeURIComponent(dependency.target)}`}>{dependency.target}</a>
                    </td>
                    <td>
                      <Badge status={isFresh(dependency, now) ? 'fresh' : 'stale'} />{' '}
                      <span class="muted">{dependencyLabel(dependency, now)[0]}</span>
                    </td>
                    <td>
                      <Time at={dependency.lastCompletedAt} now={now} />
                    </td>
                    <td>
                      <Time at={dependency.freshUntil} now={now} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </Layout>
  )
}

function Drawing({ base, found, now }: { base: string; found: Graph; now: Date }) {
  const connected = new Set(found.dependencies.flatMap(({ task, target }) => [task, target]))
  const tasks = found.tasks.filter(({ task }) => connected.has(task))
  const layout = graphLayout(
    { tasks, dependencies: found.dependencies },
    {
      box: ({ task }) => ({ width: Math.max(136, task.length * 7.6 + 32), height: 48 }),
      label: { width: 150, height: 36 },
    },
  )
  const path = line<{ x: number; y: number }>(
    ({ x }) => x,
    ({ y }) => y,
  ).curve(curveMonotoneX)
  const width = Math.ceil(layout.width)
  const height = Math.ceil(layout.height)
  return (
    <svg
      class="graph"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="group"
      aria-label="Tasks and what they need"
    >
      <defs>
        <marker
          id="arrow"
          viewBox="0 0 8 8"
          refX="8"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto-start-reverse"
        >
          <path d="M0 0 8 4 0 8z" />
        </marker>
      </defs>
      {layout.dependencies.map(({ dependency, points, label }) => {
        const [asks, stands] = dependencyLabel(dependency, now)
        const wide = stands.length * 6 + 12
        return (
          <g class={`edge ${isFresh(dependency, now) ? 'fresh' : 'stale'}`}>
            <title>{`${dependency.task} needs ${dependency.target} ${asks}: ${stands}`}</title>
            <path d={path(points) ?? ''} marker-end="url(#arrow)" />
            <rect x={label.x - wide / 2} y={label.y - 18} width={wide} height="36" rx="6" />
            <text x={label.x} y={label.y - 4}>
              {asks}
            </text>
            <text x={label.x} y={label.y + 11} class="stands">
              {stands}
            </text>
          </g>
        )
      })}
      {layout.tasks.map(({ task, x, y, width, height }) => (
        <a
          href={`${base}/tasks/${encodeURIComponent(task.task)}`}
          class={`node ${task.retired ? 'retired' : task.paused ? 'paused' : ''}`}
        >
          <title>{task.description ?? task.task}</title>
          <rect x={x - width / 2} y={y - height / 2} width={width} height={height} rx="8" />
          <text x={x} y={y - 2}>
            {task.task}
          </text>
          <text x={x} y={y + 14} class="when">
            {task.retired ? 'retired' : task.paused ? 'paused' : completed(task.lastCompletedAt, now)}
          </text>
        </a>
      ))}
    </svg>
  )
}

function completed(at: Date | null, now: Date): string {
  return at ? `completed ${relative(at, now)}` : 'never completed'
}
