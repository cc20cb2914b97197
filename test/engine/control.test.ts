import { NonRetriable, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { aborted, deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

/** One task that completes and one that fails for good. */
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

test('get gives a job as it is, with what it was inserted with and what became of it', async () => {
  const cool = both()
  const { jobs } = await setup({ cool }, { system: 'europe' })
  const inserted = await jobs.insert(cool.well, {}, { priority: 4 })
  expect(await jobs.get(inserted.id)).toEqual(inserted)
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.get(inserted.id)).toEqual({
    ...inserted,
    status: 'completed',
    attempt: 1,
    args: { n: 1 },
    priority: 4,
    system: 'europe',
    result: { n: 1 },
    startedAt: expect.any(Date),
    finishedAt: expect.any(Date),
  })
})

test('get gives null where there is no such job', async () => {
  const { jobs } = await setup({ cool: both() })
  expect(await jobs.get(404)).toBeNull()
})

test('list gives jobs, the newest first, by status and by task', async () => {
  const cool = both()
  const { jobs } = await setup({ cool })
  await jobs.insert(cool.well, { n: 1 })
  await jobs.insert(cool.badly, {})
  await jobs.insert(cool.well, { n: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.insert(cool.well, { n: 3 })
  const numbers = async (options: Parameters<typeof jobs.list>[0]) =>
    (await jobs.list(options)).jobs.map(({ args }) => args['n'] ?? null)
  expect(await numbers({})).toEqual([3, 2, null, 1])
  expect(await numbers({ status: 'completed' })).toEqual([2, 1])
  expect(await numbers({ task: 'cool.badly' })).toEqual([null])
  expect(await numbers({ task: 'cool.well', status: 'waiting' })).toEqual([3])
})

test('the cursor of a list goes on after it, to its end', async () => {
  const cool = both()
  const { jobs } = await setup({ cool })
  await jobs.insertMany([1, 2, 3, 4, 5].map((n) => ({ task: cool.well, args: { n } })))
  const pages: unknown[][] = []
  let cursor: string | null | undefined
  do {
    const page = await jobs.list({ limit: 2, ...(cursor && { cursor }) })
    pages.push(page.jobs.map(({ args }) => args['n']))
    cursor = page.cursor
  } while (cursor)
  expect(pages).toEqual([[5, 4], [3, 2], [1]])
})

test.each([
  [{ status: 'done' }, /^list: status must be one of scheduled, waiting, .*, got done$/],
  [{ limit: 0 }, /^list: limit must be a whole number from 1, got 0$/],
  [{ limit: 1.5 }, /^list: limit must be a whole number from 1, got 1\.5$/],
  [{ limit: Number.NaN }, /^list: limit must be a whole number from 1, got NaN$/],
  [{ cursor: 'next' }, /^list: cursor must be the one of an answer, got next$/],
])('a list by %j is refused, naming what is wrong', async (options, message) => {
  const { jobs, statements } = await setup({ cool: both() })
  const refusal = { code: 'JM008', message: expect.stringMatching(message) }
  await expect(jobs.list(options as Parameters<typeof jobs.list>[0])).rejects.toMatchObject(refusal)
  expect(statements.count).toBe(0)
})

test('status counts the jobs by their status, and the unfinished ones by their task', async () => {
  const cool = both()
  const { jobs } = await setup({ cool }, { systemProcessUnits: 50 })
  await jobs.insert(cool.well, {})
  await jobs.insert(cool.badly, {})
  await jobs.runUntilEmpty(deadlineIn())
  const waiting = await jobs.insert(cool.well, {})
  await jobs.insert(cool.badly, {}, { runAt: new Date(Date.now() + 3_600_000) })
  const status = await jobs.status()
  expect(status.jobs).toEqual({
    scheduled: 1,
    waiting: 1,
    blocked: 0,
    running: 0,
    completed: 1,
    failed: 1,
    cancelled: 0,
    expanded: 0,
  })
  expect(status.tasks).toEqual([
    { task: 'cool.badly', status: 'scheduled', jobs: 1 },
    { task: 'cool.well', status: 'waiting', jobs: 1 },
  ])
  expect(status.systems).toEqual([{ system: 'default', processUnits: 50, unitsInUse: 0, pausedAt: null }])
  expect(status.oldestWaitingAt).toEqual(waiting.runAt)
})

test('prune deletes jobs that finished long enough ago, each kind by its own age', async () => {
  const cool = both()
  const { jobs, clock } = await setup({ cool })
  await jobs.insert(cool.well, {})
  await jobs.insert(cool.badly, {})
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ days: 10 })
  await jobs.insert(cool.well, {})
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.insert(cool.well, {})
  expect(await jobs.prune({})).toBe(0)
  expect(await jobs.prune({ completed: '11 days', failed: '11 days' })).toBe(0)
  expect(await jobs.prune({ completed: '7 days' })).toBe(1)
  expect(await jobs.prune({ failed: '7 days' })).toBe(1)
  expect((await jobs.list()).jobs.map(({ status }) => status)).toEqual(['waiting', 'completed'])
})

test('prune deletes at most as many as it is told, the oldest first', async () => {
  const cool = both()
  const { jobs } = await setup({ cool })
  await jobs.insertMany([1, 2, 3].map((n) => ({ task: cool.well, args: { n } })))
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.prune({ completed: '0 seconds', limit: 2 })).toBe(2)
  expect((await jobs.list()).jobs.map(({ args }) => args['n'])).toEqual([3])
})

test.each([
  [{ completed: '-1 day' }, 'prune: an age cannot be below nothing, got -1 days'],
  [{ completed: '1 day', failed: '-2 hours' }, 'prune: an age cannot be below nothing, got -02:00:00'],
  [{ completed: '1 day', limit: -1 }, 'prune: a limit cannot be below nothing, got -1'],
])('prune refuses %j, and deletes nothing', async (wrong, message) => {
  const { jobs } = await setup({ cool: both() })
  const job = await jobs.insert('cool.well', {})
  await jobs.cancel(job.id)
  await expect(jobs.prune(wrong)).rejects.toMatchObject({ code: 'JM008', message })
  expect((await jobs.get(job.id))?.status).toBe('cancelled')
})

test('retry makes a failed job waiting again, with all its attempts before it', async () => {
  let failing = true
  const act = task({
    params: {},
    maxAttempts: 1,
    run() {
      if (failing) throw new Error('no')
    },
  })
  const { jobs } = await setup({ cool: { act } })
  const job = await jobs.insert(act, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.retry(job.id)).toMatchObject({
    id: job.id,
    status: 'waiting',
    attempt: 1,
    failures: 0,
    error: null,
    finishedAt: null,
  })
  failing = false
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.get(job.id)).toMatchObject({ status: 'completed', attempt: 2 })
})

test('a cancelled job is not run, and may be retried', async () => {
  const cool = both()
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(cool.well, {})
  expect(await jobs.cancel(job.id)).toMatchObject({ status: 'cancelled', finishedAt: expect.any(Date) })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(0)
  await jobs.retry(job.id)
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
})

test('a job that is set for later, or backs off, can be cancelled', async () => {
  const cool = both()
  const { jobs, clock } = await setup({ cool })
  const job = await jobs.insert(cool.well, {}, { runAt: new Date(Date.now() + 3_600_000) })
  await jobs.cancel(job.id)
  await clock.advance({ hours: 2 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(0)
  expect((await jobs.get(job.id))?.status).toBe('cancelled')
})

test('retry and cancel refuse a job that is not in a state for it, naming the state', async () => {
  const cool = both()
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(cool.well, {})
  await expect(jobs.retry(job.id)).rejects.toMatchObject({
    code: 'JM012',
    message: `job #${job.id} is waiting: only a failed or cancelled job can be retried`,
  })
  await jobs.runUntilEmpty(deadlineIn())
  await expect(jobs.cancel(job.id)).rejects.toMatchObject({
    code: 'JM012',
    message: `job #${job.id} is completed: only a job that has not finished can be cancelled`,
  })
})

test('retry, cancel and explain of a job that is not there say so', async () => {
  const { jobs } = await setup({ cool: both() })
  const verbs: ((id: number) => Promise<unknown>)[] = [jobs.retry, jobs.cancel, jobs.delete, jobs.explain]
  for (const verb of verbs) {
    await expect(verb(404)).rejects.toMatchObject({ code: 'JM011', message: 'there is no job #404' })
  }
})

test("cancelling a running job fires its signal at its invocation's next contact, and it is cancelled", async () => {
  const gate = new Gate()
  const slow = task({ params: {}, run: (_, ctx) => aborted(ctx.signal) })
  const step = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ cool: { slow, step } })
  const job = await jobs.insert(slow, {})
  await jobs.insert(step, {})
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  expect((await jobs.cancel(job.id)).status).toBe('running')
  gate.open()
  expect(await drained).toMatchObject({ cancelled: 1, completed: 1, retried: 0, stopReason: 'empty' })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'cancelled', error: { message: 'told to stop' } })
})

test('a contact that takes more jobs fires the signal of a cancelled one too', async () => {
  const gate = new Gate()
  const slow = task({ params: {}, run: (_, ctx) => aborted(ctx.signal) })
  const step = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ cool: { slow, step } })
  const job = await jobs.insert(slow, {})
  await jobs.insert(step, {})
  const drained = jobs.runUntilEmpty(deadlineIn(), { concurrency: 2 })
  await gate.holds(1)
  await jobs.cancel(job.id)
  for (let more = 0; more < 3; more += 1) await jobs.insert(step, {})
  gate.open()
  expect(await drained).toMatchObject({ cancelled: 1, completed: 4, statements: 3 })
})

test('a running job that is cancelled and completes all the same is completed', async () => {
  const gate = new Gate()
  const slow = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ cool: { slow } })
  const job = await jobs.insert(slow, {})
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  await jobs.cancel(job.id)
  gate.open()
  expect(await drained).toMatchObject({ completed: 1, cancelled: 0 })
  expect((await jobs.get(job.id))?.status).toBe('completed')
})

test('a running job that is cancelled and whose invocation is killed is cancelled with its lease', async () => {
  const endless = task({ params: {}, run: () => new Promise<void>(() => {}) })
  const { jobs, clock } = await setup({ cool: { endless } })
  const job = await jobs.insert(endless, {})
  await jobs.runUntilEmpty(deadlineIn(400), { settleMs: 20 })
  await jobs.cancel(job.id)
  await clock.advance({ minutes: 1 })
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.get(job.id))?.status).toBe('cancelled')
})
