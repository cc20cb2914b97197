import type { DeployedSchedule } from '../../deployed-schedules.ts'
import type { Access } from './access.ts'
import { Badge } from './badge.tsx'
import { inline } from './json.tsx'
import { Action, Empty, Heading, Layout } from './layout.tsx'
import { Time } from './time.tsx'

interface SchedulesProps {
  access: Access
  schedules: readonly DeployedSchedule[]
  done: string | undefined
  now: Date
}

/** When jobs are inserted by themselves. */
export function SchedulesPage({ access, schedules, done, now }: SchedulesProps) {
  const { base } = access
  return (
    <Layout title="Schedules" access={access} here="schedules" live done={done}>
      <Heading title="Schedules" live />
      {schedules.length === 0 ? (
        <Empty title="There are no schedules">
          Export one beside its task, <code>schedule(task, {'{ cron }'})</code>, and deploy: its jobs are then inserted
          by themselves.
        </Empty>
      ) : (
        <div class="scroll" tabindex={0} role="group" aria-label="Schedules">
          <table>
            <thead>
              <tr>
                <th scope="col">Schedule</th>
                <th scope="col">Task</th>
                <th scope="col">Cron</th>
                <th scope="col">Last</th>
                <th scope="col">Next</th>
                <th scope="col">
                  <span class="hidden">Pause or resume</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {schedules.map((one) => (
                <tr>
                  <th scope="row">
                    {one.schedule} {one.pausedAt && <Badge status="paused" />}
                  </th>
                  <td>
                    <a href={`${base}/tasks/${encodeURIComponent(one.task)}`}>{one.task}</a>
                    <p class="muted">{inline(one.args)}</p>
                  </td>
                  <td>
                    <code>{one.cron}</code>
                    <p class="muted">
                      {one.timezone}, catches up {one.catchUp}
                    </p>
                  </td>
                  <td>
                    <Time at={one.lastTickAt} now={now} />{' '}
                    {one.lastJobId !== null && (
                      <a class="id" href={`${base}/jobs/${one.lastJobId}`}>
                        #{one.lastJobId}
                      </a>
                    )}
                  </td>
                  <td>
                    <Time at={one.nextTickAt} now={now} />
                  </td>
                  <td class="number">
                    <Action
                      access={access}
                      path={`/schedules/${encodeURIComponent(one.schedule)}/${one.pausedAt ? 'resume' : 'pause'}`}
                    >
                      {one.pausedAt ? 'Resume' : 'Pause'}
                      <span class="hidden"> {one.schedule}</span>
                    </Action>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Layout>
  )
}
