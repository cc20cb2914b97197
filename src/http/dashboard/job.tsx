import { span } from '../../graph-svg.ts'
import type { Attempt, LogLine } from '../../inspect.ts'
import type { Job } from '../../job.ts'
import type { Access } from './access.ts'
import { Badge } from './badge.tsx'
import { inline, JsonBlock } from './json.tsx'
import { Action, Heading, Layout } from './layout.tsx'
import type { RelatedJob, Relations } from './queries/relations.ts'
import { count, duration, Time } from './time.tsx'

interface JobProps {
  access: Access
  job: Job
  attempts: readonly Attempt[]
  log: readonly LogLine[]
  explanation: string
  relations: Relations
  done: string | undefined
  now: Date
}

/** What has not started: its priority and time can be changed. */
const changeable = new Set<string>(['scheduled', 'waiting', 'blocked'])
const finished = new Set<string>(['completed', 'failed', 'cancelled', 'expanded'])

/** All there is to know of a job, and what can be done about it. */
export function JobPage({ access, job, attempts, log, explanation, relations, done, now }: JobProps) {
  const { base } = access
  const canRetry = job.status === 'failed' || job.status === 'cancelled'
  const [, ...reasons] = explanation.split('\n')
  return (
    <Layout title={`#${job.id} ${job.task}`} access={access} here="jobs" live={!finished.has(job.status)} done={done}>
      <p class="crumbs">
        <a href={`${base}/jobs`}>Jobs</a> / <a href={`${base}/tasks/${encodeURIComponent(job.task)}`}>{job.task}</a>
      </p>
      <Heading title={`Job #${job.id}`} live={!finished.has(job.status)}>
        <Badge status={job.status} />
        {canRetry && (
          <Action access={access} path={`/jobs/${job.id}/retry`} kind="primary">
            Retry
          </Action>
        )}
        {!finished.has(job.status) && (
          <Action access={access} path={`/jobs/${job.id}/cancel`} kind="danger">
            Cancel
          </Action>
        )}
        {changeable.has(job.status) && (
          <a class="button" href={`${base}/jobs/${job.id}/change`}>
            Change
          </a>
        )}
        {job.status !== 'running' && (
          <a class="button" href={`${base}/jobs/${job.id}/delete`}>
            Delete
          </a>
        )}
        <a class="button" href={`${base}/tasks/${encodeURIComponent(job.task)}/insert?${copied(job)}`}>
          Insert a copy
        </a>
      </Heading>
      <section class="why" aria-label="Why">
        {reasons.map((reason) => (
          <Reason text={reason} />
        ))}
      </section>
      <div class="columns">
        <section aria-labelledby="facts">
          <h2 id="facts">Facts</h2>
          <Facts job={job} base={base} now={now} />
        </section>
        <section aria-labelledby="arguments">
          <h2 id="arguments">Arguments</h2>
          <JsonBlock value={job.args} label="Arguments" />
          {job.status === 'completed' && (
            <>
              <h2>Result</h2>
              <JsonBlock value={job.result} label="Result" />
            </>
          )}
        </section>
      </div>
      {job.error && (
        <section aria-labelledby="error">
          <h2 id="error">{finished.has(job.status) && job.status !== 'completed' ? 'Error' : 'Last error'}</h2>
          <p class="error">
            <b>{job.error.name}</b>: {job.error.message}
          </p>
          {job.error.stack && (
            <details>
              <summary>Stack</summary>
              <pre tabindex={0} role="group" aria-label="Stack">
                {job.error.stack}
              </pre>
            </details>
          )}
        </section>
      )}
      <section aria-labelledby="attempts">
        <h2 id="attempts">Attempts</h2>
        {attempts.length === 0 && <p class="none">It has not begun.</p>}
        <ol class="timeline">
          {attempts.map((attempt) => (
            <li class={attempt.outcome}>
              <div class="between">
                <span>
                  <b>Attempt {attempt.attempt}</b> <Badge status={attempt.outcome} />
                </span>
                <span class="muted">
                  <Time at={attempt.startedAt} now={now} /> on {attempt.system}
                  {attempt.finishedAt &&
                    `, took ${duration(attempt.finishedAt.getTime() - attempt.startedAt.getTime())}`}
                </span>
              </div>
              {attempt.error && (
                <p class="error-line">
                  {attempt.error.name}: {attempt.error.message}
                </p>
              )}
            </li>
          ))}
        </ol>
      </section>
      {log.length > 0 && (
        <section aria-labelledby="log">
          <h2 id="log">Log</h2>
          <pre tabindex={0} role="group" aria-label="Log">
            {log.map(({ attempt, at, message }) => `${clockOf(at)} attempt ${attempt}  ${message}\n`)}
          </pre>
        </section>
      )}
      <Related base={base} relations={relations} now={now} />
    </Layout>
  )
}

function clockOf(at: Date): string {
  return at.toISOString().slice(11, 23)
}

/** `dependencies: waits for …` with its name set apart. */
function Reason({ text }: { text: string }) {
  const [, name, rest] = /^([a-z][a-z ]*): (.*)$/s.exec(text) ?? []
  if (name === undefined) return <p>{text}</p>
  return (
    <p>
      <b>{name}</b> {rest}
    </p>
  )
}

function Facts({ job, base, now }: { job: Job; base: string; now: Date }) {
  const facts: [string, unknown][] = [
    ['Task', <a href={`${base}/tasks/${encodeURIComponent(job.task)}`}>{job.task}</a>],
    ['Priority', count(job.priority)],
    ['Attempts', `${job.attempt}, ${job.failures} of ${job.maxAttempts} counted`],
    ['Process units', count(job.processUnits)],
    ['System', job.system ?? '–'],
    ['Inserted', <Time at={job.createdAt} now={now} />],
    ['Due', <Time at={job.runAt} now={now} />],
    ['Started', <Time at={job.startedAt} now={now} />],
    ['Finished', <Time at={job.finishedAt} now={now} />],
  ]
  if (job.startedAt && job.finishedAt) {
    facts.push(['Took', duration(Math.max(0, job.finishedAt.getTime() - job.startedAt.getTime()))])
  }
  if (job.progress) {
    const { value, message } = job.progress
    facts.push(['Progress', `${Math.round(value * 100)} %${message === null ? '' : `: ${message}`}`])
  }
  if (job.leaseUntil) facts.push(['Lease until', <Time at={job.leaseUntil} now={now} />])
  if (job.groupId !== null) facts.push(['Group', <a href={`${base}/jobs?group=${job.groupId}`}>{job.groupId}</a>])
  if (job.parentId !== null) facts.push(['Came from', <a href={`${base}/jobs/${job.parentId}`}>#{job.parentId}</a>])
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function Related({ base, relations, now }: { base: string; relations: Relations; now: Date }) {
  const { needs, waitsFor, dependents, neededBy, children } = relations
  return (
    <div class="columns">
      <section aria-labelledby="needs">
        <h2 id="needs">Needs</h2>
        {needs.length === 0 && <p class="none">Its task depends on no other.</p>}
        <ul class="rows">
          {needs.map(({ task, args, withinSeconds, completedAt, freshUntil, jobId }) => {
            const fresh = freshUntil !== null && freshUntil > now
            return (
              <li>
                <div class="between">
                  <a href={`${base}/tasks/${encodeURIComponent(task)}`}>{task}</a>
                  <Badge status={fresh ? 'fresh' : 'stale'} />
                </div>
                <p class="muted">
                  {inline(args)}, within {span(withinSeconds)}.{' '}
                  {completedAt ? (
                    <>
                      Completed <Time at={completedAt} now={now} /> by <a href={`${base}/jobs/${jobId}`}>#{jobId}</a>,{' '}
                      {fresh ? 'fresh until' : 'stale since'} <Time at={freshUntil} now={now} />.
                    </>
                  ) : (
                    'Never completed.'
                  )}
                </p>
              </li>
            )
          })}
        </ul>
        {waitsFor.length > 0 && (
          <>
            <h3>Waits for</h3>
            <JobLinks base={base} jobs={waitsFor} />
          </>
        )}
      </section>
      <section aria-labelledby="needed-by">
        <h2 id="needed-by">Needed by</h2>
        {neededBy.length === 0 && <p class="none">No task depends on its task.</p>}
        <ul class="rows">
          {neededBy.map((task) => (
            <li>
              <a href={`${base}/tasks/${encodeURIComponent(task)}`}>{task}</a>
            </li>
          ))}
        </ul>
        {dependents.length > 0 && (
          <>
            <h3>Jobs that wait for it</h3>
            <JobLinks base={base} jobs={dependents} />
          </>
        )}
        {children.length > 0 && (
          <>
            <h3>Became</h3>
            <JobLinks base={base} jobs={children} />
          </>
        )}
      </section>
    </div>
  )
}

function JobLinks({ base, jobs }: { base: string; jobs: readonly RelatedJob[] }) {
  return (
    <ul class="rows">
      {jobs.map(({ id, task, status }) => (
        <li class="between">
          <a href={`${base}/jobs/${id}`}>
            <span class="id">#{id}</span> {task}
          </a>
          <Badge status={status} />
        </li>
      ))}
    </ul>
  )
}

/** The arguments, as the form of its task takes them. */
function copied({ args }: Job): string {
  const fields = Object.entries(args).map(([name, value]) => [
    `arg.${name}`,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  return new URLSearchParams(fields).toString()
}
