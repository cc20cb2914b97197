import type { Group } from '../../groups.ts'
import { jobStatuses } from '../../job.ts'
import type { Access } from './access.ts'
import { Badge } from './badge.tsx'
import { Action, Empty, Heading, Layout } from './layout.tsx'
import type { Search, SearchPage } from './queries/search.ts'
import { count, duration, Time } from './time.tsx'

interface JobsProps {
  access: Access
  search: Search
  found: SearchPage
  tasks: readonly string[]
  /** The one that is searched. */
  group: Group | undefined
  done: string | undefined
  now: Date
}

/** The jobs, the newest first, by filter. */
export function JobsPage({ access, search, found, tasks, group, done, now }: JobsProps) {
  const { base } = access
  const { status, task, text, before } = search
  const groupId = search.group?.toString()
  const isFiltered = Boolean(status || task || groupId || text)
  const isFirst = before === undefined
  return (
    <Layout title="Jobs" access={access} here="jobs" live={isFirst} done={done}>
      <Heading title="Jobs" live={isFirst}>
        {status === 'failed' && !text && !groupId && found.jobs.length > 0 && (
          <Action access={access} path={`/jobs/retry${query({ task })}`}>
            Retry {task ? `all failed of ${task}` : 'all failed'}
          </Action>
        )}
        <a class="button primary" href={`${base}/tasks`}>
          Insert a job
        </a>
      </Heading>
      <form method="get" action={`${base}/jobs`} class="filter" role="search">
        <label>
          <span>Status</span>
          <select name="status">
            <option value="">any</option>
            {jobStatuses.map((name) => (
              <option value={name} selected={name === status}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Task</span>
          <select name="task">
            <option value="">any</option>
            {tasks.map((name) => (
              <option value={name} selected={name === task}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {groupId && (
          <label>
            <span>Group</span>
            <input type="text" name="group" value={groupId} inputmode="numeric" size={8} maxlength={15} />
          </label>
        )}
        <label class="grow">
          <span>Search</span>
          <input type="search" name="q" value={text ?? ''} placeholder="an id, arguments or an error" maxlength={200} />
        </label>
        <button type="submit">Filter</button>
        {isFiltered && (
          <a class="button quiet" href={`${base}/jobs`}>
            Clear
          </a>
        )}
      </form>
      {group && <GroupLine base={base} group={group} />}
      {found.jobs.length === 0 ? (
        <Nothing base={base} filtered={isFiltered} page={found} />
      ) : (
        <div class="scroll" tabindex={0} role="group" aria-label="Jobs">
          <table class="jobs">
            <thead>
              <tr>
                <th scope="col">Job</th>
                <th scope="col">Status</th>
                <th scope="col">Task</th>
                <th scope="col">Arguments</th>
                <th scope="col" class="number">
                  Attempt
                </th>
                <th scope="col" class="number">
                  Took
                </th>
                <th scope="col" class="number">
                  When
                </th>
              </tr>
            </thead>
            <tbody>
              {found.jobs.map((job) => (
                <tr id={`job-${job.id}`}>
                  <th scope="row">
                    <a class="id" href={`${base}/jobs/${job.id}`}>
                      #{job.id}
                    </a>
                  </th>
                  <td>
                    <Badge status={job.status} />
                  </td>
                  <td>
                    <a href={`${base}/tasks/${encodeURIComponent(job.task)}`}>{job.task}</a>
                  </td>
                  <td class="args">
                    <code title={job.args}>{job.args === '{}' ? '–' : job.args}</code>
                    {job.error && job.status !== 'completed' && <p class="error-line">{job.error}</p>}
                  </td>
                  <td class="number">{job.attempt}</td>
                  <td class="number">
                    {job.startedAt && job.finishedAt ? (
                      duration(Math.max(0, job.finishedAt.getTime() - job.startedAt.getTime()))
                    ) : (
                      <span class="none">–</span>
                    )}
                  </td>
                  <td class="number">
                    <Time at={job.finishedAt ?? job.startedAt ?? job.createdAt} now={now} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <nav class="pager" aria-label="More jobs">
        {!isFirst && (
          <a class="button" href={`${base}/jobs${query({ status, task, group: groupId, q: text })}`}>
            Newest
          </a>
        )}
        {found.before !== null && (
          <a
            class="button"
            rel="next"
            href={`${base}/jobs${query({ status, task, group: groupId, q: text, before: String(found.before) })}`}
          >
            {found.lookedAt === null ? 'Older' : `Look through older ones`}
          </a>
        )}
        {found.lookedAt !== null && (
          <span class="muted">
            Looked through {count(found.lookedAt)} jobs, down to #{found.before}.
          </span>
        )}
      </nav>
    </Layout>
  )
}

/** How far a group is, and what it calls once it has ended. */
function GroupLine({ base, group }: { base: string; group: Group }) {
  const { id, status, counts, total, done, failure } = group
  const calls = [
    ['on completion', group.onComplete],
    ['on failure', group.onFailed],
  ] as const
  return (
    <p>
      Group {id} {status === 'open' ? 'is open' : `has ${status}`}: {count(done)} of {count(total)} ended
      {jobStatuses
        .filter((name) => counts[name] > 0)
        .map((name) => (
          <>
            {', '}
            <a href={`${base}/jobs${query({ status: name, group: String(id) })}`}>
              {count(counts[name])} {name}
            </a>
          </>
        ))}
      {calls.map(
        ([when, job]) =>
          job !== null && (
            <>
              {', '}
              {when} <a href={`${base}/jobs/${job}`}>#{job}</a>
            </>
          ),
      )}
      {failure !== null && <span class="muted"> {failure}</span>}
    </p>
  )
}

function Nothing({ base, filtered, page }: { base: string; filtered: boolean; page: SearchPage }) {
  if (page.lookedAt !== null)
    return <Empty title="None among the jobs looked through">Look through older ones below.</Empty>
  if (filtered) {
    return (
      <Empty title="No job is like this">
        <a href={`${base}/jobs`}>Clear the filter</a> to see all jobs.
      </Empty>
    )
  }
  return (
    <Empty title="There are no jobs">
      <a href={`${base}/tasks`}>Insert one by form</a>, by <code>jobs.insert(…)</code>, or in SQL by{' '}
      <code>call jobmaster.insert_job(…)</code>.
    </Empty>
  )
}

/** Of what is given. */
export function query(values: Record<string, string | undefined>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => Boolean(entry[1]))
  return given.length > 0 ? `?${new URLSearchParams(given).toString()}` : ''
}
