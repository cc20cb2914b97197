import { expect, test } from 'vitest'
import { overview } from '../../src/http/dashboard/queries/overview.ts'
import { search } from '../../src/http/dashboard/queries/search.ts'
import { setup } from '../support/jobs.ts'
import * as cool from './tasks.ts'

test('with a million finished jobs the overview takes less than 50 ms of the database, and no page of jobs looks through all', async () => {
  const { jobs, sql } = await setup({ cool })
  await sql(`
    insert into jobmaster.jobs (created_at, run_at, started_at, finished_at, task_id, priority, rank, attempt, max_attempts, process_units, status, args)
    select now(), now(), now(), now(), (select min(id) from jobmaster.tasks), 0, 0, 1, 3, 1,
      case when number % 1000 = 0 then 'failed' else 'completed' end, '{"a": 1, "b": 2}'
    from generate_series(1, 1000000) number`)
  await sql('analyze jobmaster.jobs')
  await jobs.insert(cool.bar, { b: 1, c: 'x' })

  const fastest = async (work: () => Promise<unknown>) => {
    const times: number[] = []
    for (let run = 0; run < 5; run += 1) {
      const began = performance.now()
      await work()
      times.push(performance.now() - began)
    }
    return Math.min(...times)
  }
  expect(await fastest(() => jobs.read(overview))).toBeLessThan(50)
  expect(await fastest(() => jobs.read((queue) => search(queue, {})))).toBeLessThan(100)
  expect(await fastest(() => jobs.read((queue) => search(queue, { status: 'failed' })))).toBeLessThan(100)
  expect(await fastest(() => jobs.read((queue) => search(queue, { before: 500_000 })))).toBeLessThan(100)
  // What is nowhere: it stops after 20,000 jobs, and says where it goes on.
  const found = await jobs.read((queue) => search(queue, { text: 'nowhere' }))
  expect(found).toMatchObject({ jobs: [], lookedAt: 20_000, before: 980_002 })
}, 120_000)
