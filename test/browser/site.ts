import type { JobMaster } from 'jobmaster'
import { dashboard } from 'jobmaster/dashboard'
import { node } from 'jobmaster/node'
import type { Sql } from '../support/sql.ts'
import { setup } from '../support/jobs.ts'
import { openDatabase } from '../support/open.ts'
import { gate } from './tasks.ts'
import * as shop from './tasks.ts'

export const secret = 'what-opens-the-dashboard-of-the-shop'

/** The dashboard of a shop over a database of its own, on a port of this machine. */
export async function openSite() {
  const database = await openDatabase()
  const { jobs, sql } = await setup({ shop }, { database, systemProcessUnits: 400 })
  process.env.JOBMASTER_SECRET = secret
  const server = await node(jobs, { port: 0, dashboard })
  return {
    jobs,
    sql,
    url: `${server.url}/dashboard`,
    async close() {
      gate.open()
      await server.close()
    },
  }
}

export const drain = (jobs: JobMaster, ms = 10_000) => jobs.runUntilEmpty(new Date(Date.now() + ms))

/** A morning of the shop: what completed, what failed, what is blocked and waits. */
export async function fillShop(jobs: JobMaster, sql: Sql): Promise<void> {
  await jobs.insert(shop.sales, { region: 'ALL' }, { priority: 5 })
  for (let order = 4_101; order <= 4_130; order += 1) {
    const to = order % 11 === 0 ? 'someone@nowhere.invalid' : `buyer${order}@example.org`
    await jobs.insert(shop.receipt, { order, to, lines: ['1 × teapot'] })
  }
  await drain(jobs)
  // As if it had been at work since the morning.
  await sql(`
    update jobmaster.jobs
    set created_at = now() - (50 - id) * interval '67 seconds' - interval '9 seconds',
      started_at = now() - (50 - id) * interval '67 seconds' - interval '4 seconds',
      finished_at = now() - (50 - id) * interval '67 seconds' - interval '3.6 seconds' + (id * 7919 % 3400) * interval '1 millisecond'
    where status in ('completed', 'failed')`)
  await sql(`
    update jobmaster.attempts attempt
    set started_at = job.started_at, finished_at = job.finished_at
    from jobmaster.jobs job where job.id = attempt.job_id`)
  // The hour before: what the drains of it would have counted.
  await sql(`
    insert into jobmaster.tallies (merged, minute, task_id, outcome, jobs)
    select true, date_trunc('minute', now()) - ago * interval '1 minute', task.id, outcome, greatest(0, round(jobs))
    from generate_series(1, 59) ago
    cross join lateral (values
      ('receipt', 'completed', 26 + 14 * sin(ago / 7.0) + 6 * sin(ago * 1.7)),
      ('catalog', 'completed', 9 + 5 * cos(ago / 5.0)),
      ('receipt', 'failed', 3 * sin(ago * 0.9) - 1.6),
      ('orders', 'retried', 3 * cos(ago * 0.6) - 1.5)
    ) made (task_key, outcome, jobs)
    join jobmaster.tasks task on task.task_key = made.task_key
    where round(jobs) > 0`)
  await sql(`
    update jobmaster.jobs job
    set created_at = created_at - interval '1 hour', started_at = started_at - interval '1 hour', finished_at = finished_at - interval '1 hour'
    from jobmaster.tasks task where task.id = job.task_id and task.task_key = 'orders'`)
  await sql(`
    update jobmaster.completions last set completed_at = job.finished_at
    from jobmaster.jobs job where job.id = last.job_id`)
  for (const product of ['teapot', 'kettle', 'cup', 'saucer', 'spoon', 'tray', 'jug', 'bowl']) {
    await jobs.insert(shop.thumbnail, { product })
  }
  await jobs.insert(shop.orders, {}, { runAt: new Date(Date.now() + 3_600_000) })
}
