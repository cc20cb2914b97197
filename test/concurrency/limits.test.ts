import { expect, test } from 'vitest'
import { setup } from '../support/jobs.ts'
import { attemptsNotEndedOnce, jobsLost, keepLedger } from '../support/ledger.ts'
import { crowd, runsTable } from './crowd.ts'
import { startWorkers } from './processes.ts'

test('limits by argument and rates hold when several processes drain at once', { timeout: 120_000 }, async () => {
  const { jobs, sql, url } = await setup({ crowd })
  await sql(runsTable)
  await keepLedger(sql)
  const items = (length: number) => Array.from({ length }, (_, n) => ({ region: ((n % 3) + 1) as 1 | 2 | 3, n }))
  await jobs.insertMany(items(90).map((args) => ({ task: crowd.keyed, args })))
  await jobs.insertMany(items(36).map((args) => ({ task: crowd.rated, args })))
  const workers = await startWorkers(url, 4)
  await Promise.all(workers.map(({ ended }) => ended))

  expect(await attemptsNotEndedOnce(sql)).toEqual([])
  expect(await jobsLost(sql)).toEqual([])
  const [most] = await sql`
      select max(running)::integer as running
      from (
        select sum(case when status = 'running' then 1 else -1 end) over (partition by args -> 'region' order by number) as running
        from ledger.transitions
        where task = 'crowd.keyed' and (status = 'running') <> (was is not distinct from 'running')
      ) counts`
  expect(most).toEqual({ running: 2 })
  const [fastest] = await sql`
      select max(starts)::integer as starts
      from (
        select count(*) over (
          partition by job.args -> 'region' order by started_at range between interval '999.999 milliseconds' preceding and current row
        ) as starts
        from jobmaster.jobs job
        join jobmaster.tasks task on task.id = job.task_id
        where task.task_key = 'rated'
      ) windows`
  expect(fastest).toEqual({ starts: 4 })
})
