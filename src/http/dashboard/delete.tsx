import type { Job } from '../../job.ts'
import type { Access } from './access.ts'
import { Action, Heading, Layout } from './layout.tsx'
import type { Relations } from './queries/relations.ts'

interface DeleteProps {
  access: Access
  job: Job
  relations: Relations
}

/** Asks before a job is gone, and says what goes with it. */
export function DeletePage({ access, job, relations: { dependents } }: DeleteProps) {
  const { base } = access
  const path = `${base}/jobs/${job.id}`
  return (
    <Layout title={`Delete #${job.id} ${job.task}`} access={access} here="jobs">
      <p class="crumbs">
        <a href={`${base}/jobs`}>Jobs</a> / <a href={path}>#{job.id}</a>
      </p>
      <Heading title={`Delete job #${job.id}?`} />
      <p class="lead">
        {job.task} is {job.status}. Its arguments, attempts, log and result are deleted with it, and do not come back.
        What it completed stays fresh.
      </p>
      {dependents.length > 0 && (
        <section aria-labelledby="dependents">
          <h2 id="dependents">These wait for it, and will fail</h2>
          <ul class="rows">
            {dependents.map(({ id, task }) => (
              <li>
                <a href={`${base}/jobs/${id}`}>
                  <span class="id">#{id}</span> {task}
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      <div class="actions">
        <Action access={access} path={`/jobs/${job.id}/delete`} kind="danger">
          Delete
        </Action>
        <a class="button quiet" href={path}>
          Keep
        </a>
      </div>
    </Layout>
  )
}
