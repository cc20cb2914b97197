import { setTimeout as sleep } from 'node:timers/promises'
import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { connect, neonServer } from '../support/drivers.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'
import { attemptsNotEndedOnce, jobsLost, keepLedger } from '../support/ledger.ts'
import { type Sql, sqlAt } from '../support/sql.ts'
import { crowd, runsTable, systems } from './crowd.ts'
import { startWorkers } from './processes.ts'

test(
  'of each group one callback runs, once and after all its jobs, while many processes drain and some of them are killed',
  { timeout: 300_000 },
  async () => {
    const { jobs, sql, url, clock } = await setup({ crowd }, { systemProcessUnits: systems.west })
    await sql(runsTable)
    await keepLedger(sql)
    const numbers = Array.from({ length: 60 }, (_, n) => n)
    const made: { id: number; fails: boolean; called: number; other: number }[] = []
    let previous: number | undefined
    for (const n of numbers) {
      // Of flaky jobs every seventh fails; the number of jobs is from 1 to 9, and what waits for a group before is in some.
      const fails = n % 3 === 0
      const { group } = await jobs.insertMany(
        [
          ...Array.from({ length: n % 7 }, (_, m) => ({ task: crowd.light, args: { n: m }, priority: m % 3 })),
          { task: crowd.flaky, args: { n: fails ? 7 : 2 } },
          ...(n % 10 === 1 ? [{ task: crowd.report, args: { region: 'ALL' as const, n } }] : []),
          ...(previous === undefined
            ? []
            : [{ task: crowd.light, args: { n }, after: { groups: previous, ifFailed: 'run' as const } }]),
        ],
        {
          group: {
            onComplete: { task: crowd.light, args: { n: 1_000 + n } },
            onFailed: { task: crowd.light, args: { n: 2_000 + n } },
          },
        },
      )
      const [called, other] = fails ? [group.onFailed, group.onComplete] : [group.onComplete, group.onFailed]
      made.push({ id: group.id, fails, called: called!, other: other! })
      previous = n % 4 === 0 ? group.id : undefined
    }

    const neon = await neonServer()
    const workers = await startWorkers(url, 8, neon.port)
    const finished = async () =>
      (await sql`select count(*) as jobs from jobmaster.jobs where finished_at is not null`)[0]!.jobs
    for (const [index, worker] of workers.slice(0, 3).entries()) {
      while ((await finished()) < 40 * (index + 1)) await sleep(5)
      await worker.kill()
    }
    for (const worker of workers.slice(3)) worker.stop()
    await Promise.all(workers.slice(3).map(({ ended }) => ended))
    await clock.advance({ minutes: 5 })
    const again = await startWorkers(url, 4, neon.port)
    await Promise.all(again.map(({ ended }) => ended))

    for (const { id, fails, called, other } of made) {
      expect(await jobs.group(id)).toMatchObject({
        status: fails ? 'failed' : 'completed',
        [fails ? 'onFailed' : 'onComplete']: called,
        [fails ? 'onComplete' : 'onFailed']: null,
      })
      expect(await jobs.get(called)).toMatchObject({ status: 'completed' })
      expect(await jobs.get(other)).toBeNull()
    }
    expect(await sql`select * from jobmaster.group_waits`).toEqual([])
    expect(await tooSoon(sql)).toEqual([])
    expect(
      await sql`
      select job_id from ledger.transitions
      where job_id = any (${made.map(({ called }) => called)}) and status = 'completed'
      group by job_id having count(*) <> 1`,
    ).toEqual([])
    expect(await attemptsNotEndedOnce(sql)).toEqual([])
    // The callback that does not run is deleted; no other job is missing.
    expect((await jobsLost(sql)).toSorted()).toEqual(
      made.map(({ other }) => `#${other} crowd.light is blocked`).toSorted(),
    )
    expect(await sql`select deadlocks from pg_stat_database where datname = current_database()`).toEqual([
      { deadlocks: 0 },
    ])
  },
)

/** Callbacks that began before a job of their group had ended for good. */
function tooSoon(sql: Sql) {
  return sql`
    select groups.id
    from jobmaster.groups
    join ledger.transitions began on began.job_id in (groups.on_complete, groups.on_failed) and began.status = 'running'
    join jobmaster.jobs member on member.group_id = groups.id
    join ledger.transitions ended on ended.job_id = member.id and ended.status in ('completed', 'failed')
    where ended.number > began.number`
}

test('where the last two jobs of a group end at the same moment, it ends, and what waits runs once', async () => {
  const gate = new Gate()
  const ran: string[] = []
  const tasks = {
    cool: {
      step: task({ params: {}, run: () => gate.pass() }),
      report: task({ params: {}, run: () => void ran.push('report') }),
    },
  }
  const { jobs, sql, database } = await setup(tasks)
  const step = { task: tasks.cool.step, args: {} }
  const { group } = await jobs.insertMany([step, step], {
    group: { onComplete: { task: tasks.cool.report, args: {} } },
  })
  const first = jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  await gate.holds(1)
  const connection = await connect('node-postgres', database.url)
  onTestFinished(connection.close)
  const other = await setup(tasks, { database: { ...database, db: connection.db }, deploy: false })
  const second = other.jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  await gate.holds(2)
  // Each has settled its job, which the other does not see, and then waits for the group.
  const holder = await sqlAt(database.url)
  onTestFinished(holder.close)
  await holder.sql(`begin; select from jobmaster.groups where id = ${group.id} for update`)
  gate.open()
  await waiters(sql, 2)
  await holder.sql`commit`
  await Promise.all([first, second])
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual(['report'])
  expect(await jobs.group(group.id)).toMatchObject({ status: 'completed', done: 2 })
})

test.each(['a group', 'an ALL job'])(
  'a job that a transaction inserts after %s whose last job ends meanwhile does not wait for ever',
  async (what) => {
    const gate = new Gate()
    const tasks = {
      cool: {
        step: task({ params: { b: v.picklist([1, 2]) }, writeAll: ['b'], run: () => gate.pass() }),
        report: task({ params: {}, run: () => {} }),
      },
    }
    const { jobs, sql, database } = await setup(tasks)
    const id =
      what === 'a group'
        ? (await jobs.insertMany([{ task: tasks.cool.step, args: { b: 1 } }], { group: true })).group.id
        : (await jobs.insert(tasks.cool.step, { b: 'ALL' })).id
    const drained = jobs.runUntilEmpty(deadlineIn())
    await gate.holds(what === 'a group' ? 1 : 2)
    const holder = await sqlAt(database.url)
    onTestFinished(holder.close)
    await holder.sql`begin`
    const [row] =
      await holder.sql`select jobmaster.enqueue('cool', 'report', '{}', after => array[${id}::bigint]) as id`
    gate.open()
    await waiters(sql, 1)
    await holder.sql`commit`
    await drained
    await jobs.runUntilEmpty(deadlineIn())
    expect(await jobs.get(row!.id)).toMatchObject({ status: 'completed' })
  },
)

test('jobs of groups are cancelled, and inserted after them, while drains end them, and nothing waits for ever', async () => {
  const step = task({ params: { n: v.number() }, run: () => sleep(1) })
  const report = task({ params: {}, run: () => {} })
  const { jobs, sql } = await setup({ cool: { step, report } })
  const over = new AbortController()
  const drains = Array.from({ length: 3 }, async () => {
    while (!over.signal.aborted) await jobs.runUntilEmpty(deadlineIn(), { concurrency: 3 })
  })
  const made: number[] = []
  for (let n = 0; n < 40; n += 1) {
    const items = Array.from({ length: 5 }, (_, m) => ({ task: step, args: { n: m } }))
    const { group, jobs: inserted } = await jobs.insertMany(items, {
      group: { onComplete: { task: report, args: {} }, onFailed: { task: report, args: {} } },
    })
    made.push(group.id)
    await Promise.all([
      n % 2 ? jobs.cancel(inserted[4]!.id).catch(() => {}) : jobs.cancel({ task: 'cool.step', limit: 2 }),
      jobs.insert(report, {}, { after: { groups: [group.id, made[0]!], ifFailed: 'run' } }),
      jobs.insertMany([{ task: report, args: {}, after: group.id }], {
        group: { onFailed: { task: report, args: {} } },
      }),
      n % 5 === 0 && jobs.cancel({ status: 'blocked', limit: 1 }),
    ])
  }
  over.abort()
  await Promise.all(drains)
  await jobs.runUntilEmpty(deadlineIn())
  expect(await sql`select id, status from jobmaster.jobs where finished_at is null`).toEqual([])
  expect(await sql`select id from jobmaster.groups where ended_at is null`).toEqual([])
  expect(await sql`select * from jobmaster.group_waits`).toEqual([])
})

/** Until so many statements wait for a lock. */
async function waiters(sql: Sql, count: number): Promise<void> {
  for (;;) {
    const [row] = await sql`
      select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    if (row!.waiting >= count) return
    await sleep(5)
  }
}
