import type { JobChange } from '../../control.ts'
import type { Job } from '../../job.ts'
import type { Access } from './access.ts'
import { Heading, Layout } from './layout.tsx'
import { exact } from './time.tsx'

interface ChangeProps {
  access: Access
  job: Job
  /** What stands in the fields; of the job where it was not sent. */
  values?: Readonly<Record<string, string>>
  problem?: { argument: string | undefined; message: string }
}

/** The priority of a job that has not started, and when it may. On a page of its own: a live one would overwrite the fields. */
export function ChangePage({ access, job, values = {}, problem }: ChangeProps) {
  const { base, token } = access
  const path = `${base}/jobs/${job.id}`
  const known = fields.some((name) => name === problem?.argument)
  return (
    <Layout title={`Change #${job.id} ${job.task}`} access={access} here="jobs">
      <p class="crumbs">
        <a href={`${base}/jobs`}>Jobs</a> / <a href={path}>#{job.id}</a>
      </p>
      <Heading title={`Change job #${job.id}`} />
      <p class="lead">
        {job.task} is {job.status}.
      </p>
      {problem && !known && (
        <p class="error" role="alert">
          {problem.message}
        </p>
      )}
      <form method="post" action={`${path}/change`} class="insert" novalidate>
        <input type="hidden" name="token" value={token} />
        <Field
          name="priority"
          label="Priority"
          about="Higher runs first. A higher one is handed to what the job waits for."
          problem={problem}
          attributes={{ inputmode: 'numeric', value: values.priority ?? String(job.priority) }}
        />
        <Field
          name="runAt"
          label="Not before, in UTC"
          about={`Due ${exact(job.runAt)}. Empty leaves that; a time that has passed lets it start at once.`}
          problem={problem}
          attributes={{ type: 'datetime-local', step: '1', value: values.runAt ?? '' }}
        />
        <div class="actions">
          <button type="submit" class="primary">
            Change
          </button>
          <a class="button quiet" href={path}>
            Back
          </a>
        </div>
      </form>
    </Layout>
  )
}

const fields = ['priority', 'runAt'] as const

interface FieldProps {
  name: (typeof fields)[number]
  label: string
  about: string
  problem: ChangeProps['problem']
  attributes: Record<string, string>
}

function Field({ name, label, about, problem, attributes }: FieldProps) {
  const refused = problem?.argument === name ? problem.message : undefined
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {refused && (
        <p class="error-line" id={`${name}-problem`} role="alert">
          {refused}
        </p>
      )}
      <input
        {...attributes}
        id={name}
        name={name}
        aria-describedby={refused ? `${name}-problem ${name}-about` : `${name}-about`}
        aria-invalid={refused ? 'true' : undefined}
        autofocus={refused ? true : undefined}
      />
      <p class="about" id={`${name}-about`}>
        {about}
      </p>
    </div>
  )
}

/** What the fields say: an empty one leaves as it is, and a time without a zone is UTC. */
export function changeOf({ priority = '', runAt = '' }: Readonly<Record<string, string>>): JobChange {
  const time = runAt.trim()
  return {
    ...(priority.trim() !== '' && { priority: Number(priority) }),
    ...(time !== '' && { runAt: new Date(/(?:Z|[+-]\d\d:?\d\d)$/i.test(time) ? time : `${time}Z`) }),
  }
}
