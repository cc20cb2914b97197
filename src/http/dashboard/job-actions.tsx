import { type Context, Hono } from 'hono'
import { JobMasterError } from '../../errors.ts'
import type { Job } from '../../job.ts'
import type { JobMaster } from '../../jobmaster.ts'
import { Problem } from '../problem.ts'
import { act, refusalOf, texts, type Within } from './action.ts'
import { changeOf, ChangePage } from './change.tsx'
import { DeletePage } from './delete.tsx'
import { relations } from './queries/relations.ts'

/** What can be done to a job, and the pages that ask for what that needs; mounted at the page of the job. */
export function jobActions(within: Within): Hono {
  return new Hono()
    .post('/retry', (c) => act(within, c, (jobs) => jobs.retry(idOf(c)), `/jobs/${idOf(c)}`, 'retried'))
    .post('/cancel', (c) => act(within, c, (jobs) => jobs.cancel(idOf(c)), `/jobs/${idOf(c)}`, 'cancelled'))
    .get('/change', async (c) => {
      const job = await within(c, (jobs) => jobOf(jobs, idOf(c)))
      return c.html(<ChangePage access={c.get('access')} job={job} />)
    })
    .post('/change', async (c) => {
      const id = idOf(c)
      const values = texts(await c.req.parseBody())
      try {
        return await act(within, c, (jobs) => jobs.change(id, changeOf(values)), `/jobs/${id}`, 'changed')
      } catch (error) {
        if (!(error instanceof JobMasterError && error.code === 'JM008')) throw error
        const job = await within(c, (jobs) => jobOf(jobs, id))
        const page = <ChangePage access={c.get('access')} job={job} values={values} problem={refusalOf(error)} />
        return c.html(page, 422)
      }
    })
    .get('/delete', async (c) => {
      const id = idOf(c)
      const found = await within(c, async (jobs) => {
        const related = await jobs.read((queue) => relations(queue, id))
        if (!related) throw missing(id)
        return { job: await jobOf(jobs, id), relations: related }
      })
      return c.html(<DeletePage access={c.get('access')} {...found} />)
    })
    .post('/delete', (c) => act(within, c, (jobs) => jobs.delete(idOf(c)), '/jobs', 'deleted'))
}

function idOf(c: Context): number {
  return Number(c.req.param('id'))
}

async function jobOf(jobs: JobMaster, id: number): Promise<Job> {
  const job = await jobs.get(id)
  if (!job) throw missing(id)
  return job
}

export function missing(id: number): Problem {
  return new Problem(404, { detail: `there is no job #${id}`, code: 'JM011' })
}
