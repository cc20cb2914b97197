import * as v from 'valibot'
import { createJobMaster, dependsOn, NonRetriable, RetryAfter, task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from './support/deadline.ts'
import { Gate } from './support/gate.ts'
import { setup } from './support/jobs.ts'

// The queue view and explain: what is there, and why it does not run.

const nothing = task({ params: {}, run: () => {} })

test('the queue view lists what is not finished, in the order it would run', async () => {
  const { jobs, sql } = await setup({ cool: { nothing } })
  await jobs.insert(nothing, {})
  await jobs.runUntilEmpty(deadlineIn())
  const later = await jobs.insert(nothing, {}, { priority: 100, runAt: new Date(Date.now() + 7_200_000) })
  const soon = await jobs.insert(nothing, {}, { runAt: new Date(Date.now() + 3_600_000) })
  const low = await jobs.insert(nothing, {}, { priority: -1 })
  const first = await jobs.insert(nothing, {})
  const second = await jobs.insert(nothing, {})
  const high = await jobs.insert(nothing, {}, { priority: 1 })
  const rows = await sql`select id, task, status, priority, args, attempt, why_not from jobmaster.queue`
  expect(rows.map(({ id }) => id)).toEqual([high, first, second, low, soon, later].map(({ id }) => id))
  expect(rows[0]).toEqual({
    id: high.id,
    task: 'cool.nothing',
    status: 'waiting',
    priority: 1,
    args: {},
    attempt: 0,
    why_not: null,
  })
})

test('ready: nothing keeps the job, and explain says how many come first', async () => {
  const { jobs, why } = await inspected({ nothing })
  const first = await jobs.insert(nothing, {})
  const second = await jobs.insert(nothing, {})
  expect(await why(first.id)).toEqual([
    null,
    'cool.nothing #1 is waiting',
    'ready: the next invocation takes it, first',
  ])
  expect((await why(second.id))[2]).toMatch(/^ready: the next invocation takes it, after 1 other job/)
})

test('not due: a job set for later', async () => {
  const { jobs, why } = await inspected({ nothing })
  const job = await jobs.insert(nothing, {}, { runAt: new Date('2999-01-02T03:04:05Z') })
  const [whyNot, state, reason] = await why(job.id)
  expect([whyNot, state]).toEqual(['not due yet', 'cool.nothing #1 is scheduled'])
  expect(reason).toMatch(/^not due: set for 2999-01-02 \d\d:04:05, now is \d{4}-/)
})

test('backing off: a job that failed and is tried again', async () => {
  const failing = task({
    params: {},
    run: () => {
      throw new RetryAfter(60_000, 'the source is down')
    },
  })
  const { jobs, why } = await inspected({ failing })
  const job = await jobs.insert(failing, {})
  await jobs.runUntilEmpty(deadlineIn())
  const [whyNot, state, reason] = await why(job.id)
  expect([whyNot, state]).toEqual(['backing off: failed 1 of 3 attempts', 'cool.failing #1 is scheduled'])
  expect(reason).toMatch(/^backing off: attempt 1 failed \(1 of 3 counted\), tried again at .*: the source is down$/)
})

test('dependencies: a blocked job names what it waits for', async () => {
  const gate = new Gate()
  const source = task({ params: {}, run: () => gate.pass() })
  const report = task({ params: {}, dependencies: dependsOn(source), run: () => {} })
  const { jobs, why } = await inspected({ source, report })
  const job = await jobs.insert(report, {})
  const run = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  expect(await why(job.id)).toEqual([
    'dependencies: waits for #2 cool.source (running)',
    'cool.report #1 is blocked',
    'dependencies: waits for cool.source #2, which is running',
  ])
  gate.open()
  await run
})

test('process limit: as many jobs of the task run as may', async () => {
  const gate = new Gate()
  const one = task({ params: {}, processLimit: 1, run: () => gate.pass() })
  const { jobs, why } = await inspected({ one })
  const [, job] = await jobs.insertMany([
    { task: one, args: {} },
    { task: one, args: {} },
  ])
  const run = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  expect(await why(job!.id)).toEqual([
    'process limit: 1 of 1 running',
    'cool.one #2 is waiting',
    'process limit: 1 of 1 running: #1',
  ])
  gate.open()
  await run
})

test('process limit: many jobs of the task run, and the first of them are named', async () => {
  const gate = new Gate()
  const many = task({ params: {}, processLimit: 12, run: () => gate.pass() })
  const { jobs, why } = await inspected({ many })
  const inserted = await jobs.insertMany(Array.from({ length: 13 }, () => ({ task: many, args: {} })))
  const run = jobs.runUntilEmpty(deadlineIn(), { concurrency: 12 })
  await gate.holds(12)
  expect(await why(inserted.at(-1)!.id)).toEqual([
    'process limit: 12 of 12 running',
    'cool.many #13 is waiting',
    'process limit: 12 of 12 running: #1, #2, #3, #4, #5, #6, #7, #8, #9, #10 and 2 more',
  ])
  gate.open()
  await run
})

test('units: too few are free on the system', async () => {
  const gate = new Gate()
  const heavy = task({ params: {}, processUnits: 60, run: () => gate.pass() })
  const { jobs, why } = await inspected({ heavy }, { systemProcessUnits: 100 })
  const [, job] = await jobs.insertMany([
    { task: heavy, args: {} },
    { task: heavy, args: {} },
  ])
  const run = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  const [whyNot, state, reason] = await why(job!.id)
  expect([whyNot, state]).toEqual(['units: needs 60, 40 of 100 free on default', 'cool.heavy #2 is waiting'])
  expect(reason).toMatch(/^units: needs 60, 40 of 100 free on default, held by cool\.heavy #1 until \d\d:\d\d:\d\d$/)
  gate.open()
  await run
})

test('retired: the task is no longer in the code that was deployed last', async () => {
  const { jobs, why, database } = await inspected({ nothing })
  const job = await jobs.insert(nothing, {})
  await (await setup({ cool: { other: nothing } }, { database })).jobs.deploy()
  expect(await why(job.id)).toEqual([
    'retired: no deployed code has this task',
    'cool.nothing #1 is waiting',
    'retired: no deployed code has this task; deploy code that has it, or cancel the job',
  ])
  await expect(jobs.insert('cool.nothing', {})).rejects.toMatchObject({
    code: 'JM001',
    message: 'unknown task cool.nothing (it is retired: no deployed code has it)',
  })
})

test('paused: the task was stopped', async () => {
  const { jobs, why, sql } = await inspected({ nothing })
  const job = await jobs.insert(nothing, {})
  await sql`update jobmaster.tasks set paused_at = jobmaster.clock()`
  const [whyNot, , reason] = await why(job.id)
  expect(whyNot).toBe('paused')
  expect(reason).toMatch(/^paused: the task, since \d{4}-/)
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(0)
})

test('running: whose the job is and until when; a lease that is over; a cancel on its way', async () => {
  const gate = new Gate()
  const slow = task({ params: {}, run: () => gate.pass() })
  const { jobs, why, clock } = await inspected({ slow }, { system: 'east' })
  const job = await jobs.insert(slow, {})
  const run = jobs.runUntilEmpty(deadlineIn(5_000))
  await gate.holds(1)
  const [whyNot, state, ...reasons] = await why(job.id)
  expect([whyNot, state]).toEqual([null, 'cool.slow #1 is running'])
  expect(reasons).toEqual([
    expect.stringMatching(/^running: attempt 1, on east since \d\d:\d\d:\d\d, its own until \d\d:\d\d:\d\d$/),
  ])
  await jobs.cancel(job.id)
  await clock.advance({ minutes: 1 })
  expect((await why(job.id)).slice(3)).toEqual([
    'lease: it is over; the next claim takes the job back',
    'cancelled: its invocation stops it when it next calls',
  ])
  gate.open()
  await run
})

test('last attempt: a job whose invocation was lost waits again, and says so', async () => {
  const endless = task({ params: {}, run: () => new Promise<void>(() => {}) })
  const { jobs, why, clock, database } = await inspected({ endless })
  const job = await jobs.insert(endless, {})
  await jobs.runUntilEmpty(deadlineIn(400), { settleMs: 0 })
  await clock.advance({ minutes: 1 })
  // Other code takes the expired lease back, and has no such task.
  const other = await setup({ cool: { nothing } }, { database, deploy: false })
  await other.jobs.runUntilEmpty(deadlineIn())
  const [whyNot, state, ready, alone, last] = await why(job.id)
  expect([whyNot, state]).toEqual([null, 'cool.endless #1 is waiting'])
  expect(ready).toMatch(/^ready: /)
  expect(alone).toBe('alone: its invocation was lost, so it starts only where nothing else runs beside it')
  expect(last).toMatch(
    /^last attempt: 1 failed \(1 of 3 counted\): attempt 1: its invocation ended without settling it/,
  )
})

test('finished jobs say when and why: completed, failed, cancelled, expanded', async () => {
  const failing = task({
    params: {},
    run: () => {
      throw new NonRetriable('there is no such region')
    },
  })
  const wide = task({ params: { b: v.picklist([1, 2, 3]) }, writeAll: ['b'], run: () => {} })
  const { jobs, sql } = await inspected({ nothing, failing, wide })
  const [completed, failed, cancelled, expanded] = [
    await jobs.insert(nothing, {}),
    await jobs.insert(failing, {}),
    await jobs.insert(nothing, {}),
    await jobs.insert(wide, { b: 'ALL' }),
  ]
  await jobs.cancel(cancelled.id)
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.explain(completed.id)).toMatch(/^cool\.nothing #1 is completed\ncompleted: at \d{4}-.*, attempt 1$/)
  expect(await jobs.explain(failed.id)).toMatch(
    /^cool\.failing #2 is failed\nfailed: at \d{4}-.*, attempt 1: there is no such region$/,
  )
  expect(await jobs.explain(cancelled.id)).toMatch(/^cool\.nothing #3 is cancelled\ncancelled: at \d{4}-.*, attempt 0$/)
  expect(await jobs.explain(expanded.id)).toBe('cool.wide #4 is expanded\nexpanded: became 3 jobs, #5 to #7')
  expect(await sql`select * from jobmaster.queue`).toEqual([])
})

test('kept: units that are free are kept for a heavier job that has waited for a minute', async () => {
  const gate = new Gate()
  const long = task({ params: {}, processUnits: 5, run: () => gate.pass() })
  const heavy = task({ params: {}, processUnits: 8, run: () => {} })
  const light = task({ params: {}, timeoutMs: 600_000, run: () => {} })
  const { jobs, clock, why } = await inspected({ long, heavy, light }, { systemProcessUnits: 10 })
  await jobs.insert(long, {})
  const run = jobs.runUntilEmpty(deadlineIn(), { graceMs: 600_000, concurrency: 1 })
  await gate.holds(1)
  await jobs.insert(heavy, {})
  const job = await jobs.insert(light, {})
  expect((await why(job.id))[2]).toBe('ready: the next invocation takes it, after 1 other job')
  await clock.advance({ seconds: 61 })
  const [, , kept, timeout] = await why(job.id)
  expect(kept).toMatch(
    /^kept: 5 of 10 units are free on default, but kept for cool\.heavy #2, which needs 8 and has waited since \d\d:\d\d:\d\d$/,
  )
  expect(timeout).toBe('timeout: it starts where 600000 ms are left before the deadline, or first in its invocation')
  gate.open()
  await run
})

test('units: no system has as many as the task needs', async () => {
  const heavy = task({ params: {}, processUnits: 80, run: () => {} })
  const { database, jobs, why } = await inspected({ heavy })
  const small = createJobMaster({
    db: database.db,
    tasks: { cool: { heavy } },
    system: 'small',
    systemProcessUnits: 10,
  })
  const job = await jobs.insert(heavy, {})
  await small.runUntilEmpty(deadlineIn())
  expect((await why(job.id))[2]).toBe('units: needs 80, 10 of 10 free on small')
})

test('there is nothing to explain of a job that is not there', async () => {
  const { jobs, sql } = await inspected({ nothing })
  const refusal = { code: 'JM011', message: 'there is no job #42' }
  await expect(sql`select jobmaster.explain(42)`).rejects.toMatchObject(refusal)
  await expect(jobs.explain(42)).rejects.toMatchObject(refusal)
})

/** With a look at both: why_not of the view first, then the lines of explain. */
async function inspected<T extends object>(cool: T, options: Parameters<typeof setup>[1] = {}) {
  const made = await setup({ cool }, options)
  async function why(id: number): Promise<(string | null)[]> {
    const [row] =
      await made.sql`select why_not, jobmaster.explain(id) as explained from jobmaster.queue where id = ${id}`
    return [row!.why_not, ...row!.explained.split('\n')]
  }
  return { ...made, why }
}
