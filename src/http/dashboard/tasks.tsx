import type { DeployedTask } from '../../graph.ts'
import type { Access } from './access.ts'
import { Badge } from './badge.tsx'
import { Empty, Heading, Layout } from './layout.tsx'
import type { Timing } from './queries/timings.ts'
import { count, duration } from './time.tsx'

interface TasksProps {
  access: Access
  tasks: readonly DeployedTask[]
  timings: ReadonlyMap<string, Timing>
  done: string | undefined
}

/** The deployed tasks, with their limits and how long they take. */
export function TasksPage({ access, tasks, timings, done }: TasksProps) {
  const { base } = access
  return (
    <Layout title="Tasks" access={access} here="tasks" live done={done}>
      <Heading title="Tasks" live />
      {tasks.length === 0 ? (
        <Empty title="No tasks are deployed">
          Write a task, then run <code>npx jobmaster deploy</code>.
        </Empty>
      ) : (
        <div class="scroll" tabindex={0} role="group" aria-label="Tasks">
          <table>
            <thead>
              <tr>
                <th scope="col">Task</th>
                <th scope="col" class="number">
                  Waiting
                </th>
                <th scope="col" class="number">
                  Running
                </th>
                <th scope="col" class="number">
                  Completed, 24 h
                </th>
                <th scope="col" class="number">
                  Failed, 24 h
                </th>
                <th scope="col" class="number">
                  p50
                </th>
                <th scope="col" class="number">
                  p95
                </th>
                <th scope="col" class="number">
                  Units
                </th>
                <th scope="col" class="number">
                  Limit
                </th>
                <th scope="col">
                  <span class="hidden">Insert</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {tasks.map((task) => {
                const timing = timings.get(task.task)
                return (
                  <tr>
                    <th scope="row">
                      <a href={`${base}/tasks/${encodeURIComponent(task.task)}`}>{task.task}</a>{' '}
                      {task.retiredAt && <Badge status="retired" />} {task.pausedAt && <Badge status="paused" />}
                      {task.description && <p class="muted">{task.description}</p>}
                    </th>
                    <td class="number">{count(timing?.waiting ?? 0)}</td>
                    <td class="number">{count(timing?.running ?? 0)}</td>
                    <td class="number">{count(timing?.completed ?? 0)}</td>
                    <td class={timing?.failed ? 'number bad' : 'number'}>{count(timing?.failed ?? 0)}</td>
                    <td class="number">{took(timing?.p50Ms)}</td>
                    <td class="number">{took(timing?.p95Ms)}</td>
                    <td class="number">{count(task.processUnits)}</td>
                    <td class="number">{task.processLimit === null ? '–' : count(task.processLimit)}</td>
                    <td class="number">
                      {!task.retiredAt && (
                        <a class="button small" href={`${base}/tasks/${encodeURIComponent(task.task)}/insert`}>
                          Insert<span class="hidden"> {task.task}</span>
                        </a>
                      )}
                    </td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      )}
    </Layout>
  )
}

function took(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? '–' : duration(ms)
}
