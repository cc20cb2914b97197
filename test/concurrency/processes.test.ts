import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { neonServer } from '../support/drivers.ts'
import { setup } from '../support/jobs.ts'
import {
  attemptsNotEndedOnce,
  beganTooSoon,
  claimedOutOfOrder,
  completedAgain,
  jobsAbove,
  jobsLost,
  keepLedger,
  unitsAbove,
} from '../support/ledger.ts'
import type { Sql } from '../support/sql.ts'
import { crowd, limits, runsTable, systems } from './crowd.ts'
import { startWorkers, type Worker } from './processes.ts'

test.each([
  [8, 10],
  [32, 4],
])(
  '%d processes that drain at once, over two drivers, lose nothing, settle nothing twice, and stay below every limit',
  { timeout: 300_000 },
  async (count, size) => {
    const { sql, url } = await crowded(size)
    const neon = await neonServer()
    const workers = await startWorkers(url, count, neon.port)
    const counts = await Promise.all(workers.map(({ ended }) => ended))

    await expectPromisesKept(sql)
    expect(await claimedOutOfOrder(sql, 'crowd.light')).toEqual([])
    expect(await outcomes(sql)).toEqual(expectedOutcomes(size))
    expect(await shared(sql)).toEqual([])
    expect(counts.map(({ refused }) => refused)).toEqual(counts.map(() => 0))
    // It was a crowd: several processes of both systems had their part.
    expect(counts.filter(({ completed }) => completed > 0).length).toBeGreaterThan(2)
    expect(await sql`select count(distinct system)::integer as systems from ledger.transitions`).toEqual([
      { systems: 2 },
    ])
  },
)

test(
  'a process that is killed with jobs in its hands loses none: they come back once its lease is over',
  { timeout: 120_000 },
  async () => {
    const { sql, url, clock } = await crowded(5)
    await sql(`
    create view held as
    select id, (select application from ledger.transitions where job_id = id order by number desc limit 1)
    from jobmaster.jobs
    where status = 'running'`)
    const workers = await startWorkers(url, 6)
    await until(async () => (await finished(sql)) > 50)
    const held = await killOneAtWork(sql, workers)
    const alive = workers.filter((worker) => !held.killed.includes(worker))
    for (const worker of alive) worker.stop()
    await Promise.all(alive.map(({ ended }) => ended))

    expect(await sql`select id from jobmaster.jobs where status = 'running' order by id`).toEqual(held.jobs)
    await clock.advance({ minutes: 5 })
    const again = await startWorkers(url, 2)
    await Promise.all(again.map(({ ended }) => ended))

    await expectPromisesKept(sql)
    expect(await outcomes(sql)).toEqual(expectedOutcomes(5))
    const ids = held.jobs.map(({ id }) => id)
    const lost =
      await sql`select job_id as id from ledger.transitions where was = 'running' and status = 'waiting' and job_id = any (${ids}) order by id`
    expect(lost).toEqual(held.jobs)
  },
)

/** A deployed crowd with its jobs in the queue, and a ledger. */
async function crowded(size: number) {
  const made = await setup({ crowd }, { systemProcessUnits: systems.west })
  const { jobs, sql } = made
  await sql(runsTable)
  await keepLedger(sql)
  const numbers = (count: number) => Array.from({ length: count * size }, (_, n) => n)
  const regions = [1, 2, 3, 4, 5] as const
  await jobs.insertMany([
    ...numbers(20).map((n) => ({ task: crowd.light, args: { n }, priority: (n * 7) % 11 })),
    ...numbers(5).map((n) => ({ task: crowd.heavy, args: { n }, priority: (n * 5) % 11 })),
    ...numbers(5).map((n) => ({ task: crowd.narrow, args: { n }, priority: (n * 3) % 11 })),
    ...numbers(2).map((n) => ({ task: crowd.single, args: { n }, priority: n % 11 })),
    ...numbers(7).map((n) => ({ task: crowd.flaky, args: { n }, priority: n % 5 })),
    ...numbers(1).map((n) => ({ task: crowd.report, args: { region: 'ALL' as const, n }, priority: n % 8 })),
    ...numbers(2).map((n) => ({ task: crowd.total, args: { n }, priority: n % 8 })),
    ...numbers(1).flatMap((n) =>
      regions.map((region) => ({ task: crowd.stuck, args: { region, n }, priority: n % 6 })),
    ),
  ])
  return made
}

function expectedOutcomes(size: number): Record<string, number> {
  return {
    'crowd.light completed': 20 * size,
    'crowd.heavy completed': 5 * size,
    'crowd.narrow completed': 5 * size,
    'crowd.single completed': 2 * size,
    'crowd.flaky completed': 6 * size,
    'crowd.flaky failed': size,
    'crowd.load completed': 5,
    'crowd.summary completed': 5,
    'crowd.report expanded': size,
    'crowd.report completed': 5 * size,
    'crowd.total completed': 2 * size,
    'crowd.stuck failed': 5 * size,
  }
}

/** How many jobs of each task ended how; not those of `broken`, which is begun again for each dependent that comes late. */
async function outcomes(sql: Sql): Promise<Record<string, number>> {
  const rows = await sql`
    select type_key || '.' || task_key || ' ' || status as outcome, count(*)::integer as jobs
    from jobmaster.jobs job
    join jobmaster.tasks task on task.id = job.task_id
    where task_key <> 'broken'
    group by outcome`
  return Object.fromEntries(rows.map(({ outcome, jobs }) => [outcome, jobs]))
}

async function expectPromisesKept(sql: Sql): Promise<void> {
  expect(await unitsAbove(sql, systems)).toEqual([])
  expect(await jobsAbove(sql, limits)).toEqual([])
  expect(await attemptsNotEndedOnce(sql)).toEqual([])
  expect(await jobsLost(sql)).toEqual([])
  expect(await beganTooSoon(sql, 'crowd.summary', 'crowd.load', ['region'])).toEqual([])
  expect(await beganTooSoon(sql, 'crowd.report', 'crowd.load', ['region'])).toEqual([])
  expect(await beganTooSoon(sql, 'crowd.report', 'crowd.summary', ['region'])).toEqual([])
  expect(await beganTooSoon(sql, 'crowd.total', 'crowd.summary', [])).toEqual([])
  expect(await sql`select deadlocks from pg_stat_database where datname = current_database()`).toEqual([
    { deadlocks: 0 },
  ])
}

async function shared(sql: Sql): Promise<string[]> {
  return [...(await completedAgain(sql, 'crowd.load')), ...(await completedAgain(sql, 'crowd.summary'))]
}

async function finished(sql: Sql): Promise<number> {
  const [row] = await sql`select count(*) as jobs from jobmaster.jobs where finished_at is not null`
  return row!.jobs
}

/** Kills a process that runs jobs, until one dies with some in its hands; answers which those are. */
async function killOneAtWork(sql: Sql, workers: readonly Worker[]) {
  const killed: Worker[] = []
  for (;;) {
    const [busiest] = await sql<{ application: string }>`
      select application from held where application <> all (${killed.map(({ name }) => name)})
      group by application order by count(*) desc limit 1`
    const worker = workers.find(({ name }) => name === busiest?.application)
    if (!worker && (await finished(sql)) < 200) continue
    if (!worker) throw new Error('no process died at work')
    await worker.kill()
    killed.push(worker)
    // What it had sent before it died still counts.
    await until(async () => {
      const sessions = await sql`select from pg_stat_activity where application_name = ${worker.name}`
      return sessions.length === 0
    })
    const jobs = await sql<{ id: number }>`select id from held where application = ${worker.name} order by id`
    if (jobs.length > 0) return { jobs, killed }
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5)
}
