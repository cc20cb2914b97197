import { dependsOn, type JobStatus, NonRetriable, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { aborted, deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

// Cancel, retry and delete by filter: the same words in SQL, in bites.

function both() {
  const well = task({ params: { n: v.optional(v.number(), 1) }, run: ({ n }) => ({ n }) })
  const badly = task({
    params: {},
    run() {
      throw new NonRetriable('it cannot be done')
    },
  })
  return { well, badly }
}

const later = () => new Date(Date.now() + 3_600_000)

test('cancel takes the jobs of a task, or of a status, and leaves the others', async () => {
  const cool = both()
  const { jobs } = await setup({ cool })
  await jobs.insertMany([1, 2, 3].map((n) => ({ task: cool.well, args: { n } })))
  await jobs.insert(cool.badly, {})
  await jobs.insert(cool.well, {}, { runAt: later() })
  expect(await jobs.cancel({ task: 'cool.well', status: 'scheduled' })).toEqual({ jobs: 1, more: false })
  expect(await jobs.cancel({ task: 'cool.well' })).toEqual({ jobs: 3, more: false })
  expect(await jobs.cancel({ task: 'cool.well' })).toEqual({ jobs: 0, more: false })
  expect((await jobs.status()).jobs).toMatchObject({ cancelled: 4, waiting: 1, scheduled: 0 })
})

test('a filter is worked off in bites, the oldest first, and the answer says whether more are left', async () => {
  const cool = both()
  const { jobs } = await setup({ cool })
  const inserted = await jobs.insertMany([1, 2, 3, 4, 5].map((n) => ({ task: cool.well, args: { n } })))
  expect(await jobs.cancel({ status: 'waiting', limit: 2 })).toEqual({ jobs: 2, more: true })
  expect((await jobs.list({ status: 'cancelled' })).jobs.map(({ id }) => id)).toEqual([
    inserted[1]!.id,
    inserted[0]!.id,
  ])
  expect(await jobs.cancel({ status: 'waiting', limit: 2 })).toEqual({ jobs: 2, more: true })
  expect(await jobs.cancel({ status: 'waiting', limit: 2 })).toEqual({ jobs: 1, more: false })
})

test('what waits for a job that is cancelled by a filter fails, saying why', async () => {
  const source = task({ params: {}, run() {} })
  const report = task({ params: {}, dependencies: dependsOn(source), run() {} })
  const summary = task({ params: {}, dependencies: dependsOn(report), run() {} })
  const { jobs } = await setup({ cool: { source, report, summary } })
  await jobs.pause({ task: 'cool.source' })
  const job = await jobs.insert(summary, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.status()).jobs).toMatchObject({ blocked: 2, waiting: 1 })
  expect(await jobs.cancel({ task: 'cool.source' })).toEqual({ jobs: 1, more: false })
  expect((await jobs.status()).jobs).toMatchObject({ blocked: 0, waiting: 0, failed: 2, cancelled: 1 })
  expect((await jobs.get(job.id))?.error?.message).toContain('which this job depends on, failed')
})

test("cancelling running jobs by a filter fires their signals at their invocation's next contact", async () => {
  const gate = new Gate()
  const slow = task({ params: {}, run: (_, ctx) => aborted(ctx.signal) })
  const step = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ cool: { slow, step } })
  await jobs.insertMany([
    { task: slow, args: {} },
    { task: slow, args: {} },
  ])
  await jobs.insert(step, {})
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  expect(await jobs.cancel({ task: 'cool.slow' })).toEqual({ jobs: 2, more: false })
  expect(await jobs.cancel({ task: 'cool.slow' })).toEqual({ jobs: 0, more: false })
  gate.open()
  expect(await drained).toMatchObject({ cancelled: 2, completed: 1 })
})

test('retry without a status takes the jobs that have failed, and with one those cancelled', async () => {
  const cool = both()
  const { jobs } = await setup({ cool })
  await jobs.insertMany([
    { task: cool.badly, args: {} },
    { task: cool.badly, args: {} },
  ])
  await jobs.insert(cool.well, {})
  await jobs.cancel({ task: 'cool.well' })
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.retry({ task: 'cool.badly' })).toEqual({ jobs: 2, more: false })
  expect(await jobs.retry({})).toEqual({ jobs: 0, more: false })
  expect(await jobs.retry({ status: 'cancelled' })).toEqual({ jobs: 1, more: false })
  expect((await jobs.status()).jobs).toMatchObject({ waiting: 3, failed: 0, cancelled: 0 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, failed: 2 })
})

test('delete without a status takes the jobs that have finished, and what they completed stays fresh', async () => {
  let runs = 0
  const source = task({ params: {}, run: () => void (runs += 1) })
  const report = task({ params: {}, dependencies: dependsOn(source, { withinHours: 2 }), run() {} })
  const { jobs } = await setup({ cool: { source, report } })
  await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  const waiting = await jobs.insert(report, {})
  expect(await jobs.delete({ task: 'cool.source' })).toEqual({ jobs: 1, more: false })
  expect(await jobs.delete({ task: 'cool.report' })).toEqual({ jobs: 1, more: false })
  expect((await jobs.list()).jobs.map(({ id }) => id)).toEqual([waiting.id])
  await jobs.runUntilEmpty(deadlineIn())
  expect(runs).toBe(1)
})

test('delete of waiting jobs fails what waits for them, and leaves nothing of them', async () => {
  const source = task({ params: {}, run() {} })
  const report = task({ params: {}, dependencies: dependsOn(source), run() {} })
  const { jobs, sql } = await setup({ cool: { source, report } })
  await jobs.pause({ task: 'cool.source' })
  const job = await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.delete({ task: 'cool.source', status: 'waiting' })).toEqual({ jobs: 1, more: false })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'failed', error: { name: 'DependencyFailed' } })
  expect(await sql`select * from jobmaster.job_keys`).toEqual([])
  expect(await sql`select * from jobmaster.blockers`).toEqual([])
})

test('a job is deleted by its id unless it runs', async () => {
  const gate = new Gate()
  const step = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ cool: { step } })
  const waiting = await jobs.insert(step, {}, { runAt: later() })
  expect(await jobs.delete(waiting.id)).toEqual({ jobs: 1, more: false })
  expect(await jobs.get(waiting.id)).toBeNull()
  const running = await jobs.insert(step, {})
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  await expect(jobs.delete(running.id)).rejects.toMatchObject({
    code: 'JM012',
    message: `job #${running.id} is running: cancel it, and delete it once it has ended`,
  })
  gate.open()
  await drained
  await jobs.delete(running.id)
  expect((await jobs.list()).jobs).toEqual([])
})

test('the same filters are there in SQL', async () => {
  const cool = both()
  const { jobs, sql } = await setup({ cool })
  await jobs.insertMany([1, 2, 3].map((n) => ({ task: cool.well, args: { n } })))
  expect(await sql(`select jobmaster.cancel('{"task": "cool.well", "limit": 2}') as answer`)).toEqual([
    { answer: { jobs: 2, more: true } },
  ])
  expect(await sql(`select jobmaster.retry('{"status": "cancelled"}'::jsonb) as answer`)).toEqual([
    { answer: { jobs: 2, more: false } },
  ])
  expect(await sql(`select jobmaster.delete('{"status": "waiting"}') as answer`)).toEqual([
    { answer: { jobs: 3, more: false } },
  ])
})

test.each([
  ['cancel', {}, 'JM008', 'cancel: name a status, a task, or both: nothing was changed'],
  ['delete', { limit: 5 }, 'JM008', 'delete: name a status, a task, or both: nothing was changed'],
  [
    'cancel',
    { status: 'completed' },
    'JM008',
    'cancel: status must be one of scheduled, waiting, blocked, running, got completed',
  ],
  ['retry', { status: 'waiting' }, 'JM008', 'retry: status must be one of failed, cancelled, got waiting'],
  ['delete', { status: 'running' }, 'JM008', /^delete: status must be one of scheduled, .*, got running$/],
  ['delete', { tasks: 'cool.well' }, 'JM008', 'delete: a filter has no "tasks": it takes status, task and limit'],
  ['retry', { task: 'cool.wel' }, 'JM001', 'unknown task cool.wel (known in cool: badly, well)'],
  ['retry', { task: "cool.well' or true --" }, 'JM001', /^unknown task cool\.well' or true --/],
  ['cancel', { task: 'cool.well', limit: 0 }, 'JM008', 'cancel: limit must be a whole number from 1 to 10000, got 0'],
  [
    'cancel',
    { task: 'cool.well', limit: 1.5 },
    'JM008',
    'cancel: limit must be a whole number from 1 to 10000, got 1.5',
  ],
  ['cancel', null, 'JM008', 'cancel: a filter is a JSON object such as {"task": "cool.bar"}, got null'],
  ['cancel', [], 'JM008', 'cancel: a filter is a JSON object such as {"task": "cool.bar"}, got array'],
] as const)('%s refuses the filter %j', async (verb, filter, code, message) => {
  const { jobs } = await setup({ cool: both() })
  // What TypeScript would refuse, JavaScript sends all the same.
  const act = jobs[verb] as (filter: unknown) => Promise<unknown>
  await expect(act(filter)).rejects.toMatchObject({
    code,
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  })
})

test('a job whose row somebody else has locked is left for the next bite, and nobody is waited for', async ({
  skip,
}) => {
  const cool = both()
  const { jobs, sql, url } = await setup({ cool })
  // PGlite has one session.
  if (url === '') skip()
  const [first, second] = await jobs.insertMany([1, 2].map((n) => ({ task: cool.well, args: { n } })))
  await sql('begin')
  await sql`select from jobmaster.jobs where id = ${first!.id} for update`
  expect(await jobs.cancel({ task: 'cool.well' })).toEqual({ jobs: 1, more: true })
  await sql('commit')
  const statuses: (JobStatus | undefined)[] = [
    (await jobs.get(first!.id))?.status,
    (await jobs.get(second!.id))?.status,
  ]
  expect(statuses).toEqual(['waiting', 'cancelled'])
  expect(await jobs.cancel({ task: 'cool.well' })).toEqual({ jobs: 1, more: false })
})

test('a blocker is left for the next bite while a dependent that would fail with it is locked', async ({ skip }) => {
  const source = task({ params: {}, run() {} })
  const report = task({ params: {}, dependencies: dependsOn(source), run() {} })
  const { jobs, sql, url } = await setup({ cool: { source, report } })
  // PGlite has one session.
  if (url === '') skip()
  await jobs.pause({ task: 'cool.source' })
  const job = await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  await sql('begin')
  await sql`select from jobmaster.jobs where id = ${job.id} for update`
  expect(await jobs.cancel({ task: 'cool.source' })).toEqual({ jobs: 0, more: true })
  await sql('commit')
  expect(await jobs.cancel({ task: 'cool.source' })).toEqual({ jobs: 1, more: false })
})

test('a filter works in a schema of any name', async () => {
  const cool = both()
  const { jobs } = await setup({ cool }, { schema: `we"ird' %s name` })
  await jobs.insert(cool.well, {})
  expect(await jobs.cancel({ task: 'cool.well' })).toEqual({ jobs: 1, more: false })
})
