import * as v from 'valibot'
import { NonRetriable, RetryAfter, task } from 'jobmaster'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { aborted, deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

// Tasks that do what they should not: the job says what, and the others of the batch are settled all the same.

const good = task({ params: {}, run: () => 'good' })

const handlers = new Map<string, () => unknown>()
const run = ({ handler }: { handler: string }) => handlers.get(handler)?.() as void
const bad = task({ params: { handler: v.string() }, run })
const once = task({ params: { handler: v.string() }, maxAttempts: 1, run })

// One database for all of them: what is shown here is the handler's doing, and each test starts without jobs.
let shared: Awaited<ReturnType<typeof setup>>
beforeAll(async () => {
  shared = await setup({ cool: { bad, once, good } })
})
beforeEach(() => shared.sql`delete from jobmaster.jobs`)

/** Runs a job with that handler between two good ones, and returns it. */
async function jobOf(handler: () => unknown, task = bad) {
  const { jobs } = shared
  const name = `handler ${handlers.size}`
  handlers.set(name, handler)
  const [before, job, after] = await jobs.insertMany([
    { task: good, args: {} },
    { task, args: { handler: name } },
    { task: good, args: {} },
  ])
  const report = await jobs.runUntilEmpty(deadlineIn())
  for (const { id } of [before!, after!])
    expect(await jobs.get(id)).toMatchObject({ status: 'completed', result: 'good' })
  return { jobs, report, job: (await jobs.get(job!.id))! }
}

class Broken extends Error {
  override get message(): string {
    throw new Error('no message either')
  }
}

const cannotBeShown = 'the handler threw something that cannot be shown'
const hostile = () => {
  throw new Error('do not look')
}
const thrown: [what: string, value: unknown, error: object][] = [
  [
    'an Error',
    new TypeError('no such column'),
    { name: 'TypeError', message: 'no such column', stack: expect.stringContaining('bad-input') },
  ],
  ['a string', 'out of paper', { name: 'Error', message: 'out of paper' }],
  ['undefined', undefined, { name: 'Error', message: 'undefined' }],
  ['null', null, { name: 'Error', message: 'null' }],
  ['a symbol', Symbol('why'), { name: 'Error', message: 'Symbol(why)' }],
  ['an object', { code: 7 }, { name: 'Error', message: expect.any(String) }],
  ['an object without a prototype', Object.create(null), { name: 'Error', message: cannotBeShown }],
  [
    'an object with throwing getters',
    Object.defineProperty({}, 'toString', { get: hostile }),
    { message: cannotBeShown },
  ],
  ['an Error with throwing getters', new Broken(), { message: cannotBeShown }],
  [
    'a Proxy that throws on every look',
    new Proxy({}, { get: hostile, getPrototypeOf: hostile, has: hostile }),
    { message: cannotBeShown },
  ],
  ['a NUL in its message', new Error('a\u0000b\ud83d'), { message: 'a\ufffdb\ufffd' }],
]

test.each(thrown)('a task that throws %s is tried again, and the error is kept', async (_, value, error) => {
  const { job, report } = await jobOf(async () => {
    throw value
  })
  expect(report).toMatchObject({ retried: 1, failed: 0 })
  expect(job).toMatchObject({ status: 'scheduled', attempt: 1, failures: 1, error })
})

test.each(thrown)('a task that throws %s before it waits for anything is tried again too', async (_, value, error) => {
  const { job } = await jobOf(() => {
    throw value
  })
  expect(job).toMatchObject({ status: 'scheduled', attempt: 1, failures: 1, error })
})

test('the last attempt that throws leaves the job failed, with its error', async () => {
  const { job, report } = await jobOf(() => {
    throw new Error('no more')
  }, once)
  expect(report).toMatchObject({ retried: 0, failed: 1 })
  expect(job).toMatchObject({ status: 'failed', attempt: 1, error: { name: 'Error', message: 'no more' } })
  expect(job.finishedAt).toBeInstanceOf(Date)
})

test('an error is kept cut: 2,000 characters of its message, 4,000 of its stack', async () => {
  const { job } = await jobOf(() => {
    throw new Error('x'.repeat(100_000))
  })
  expect(job.error?.message).toHaveLength(2_000)
  expect(job.error?.stack).toHaveLength(4_000)
})

test.each([Infinity, 1e300, Number.MAX_SAFE_INTEGER])(
  'RetryAfter(%d) puts the next attempt off by a year at the most',
  async (milliseconds) => {
    const { job } = await jobOf(() => {
      throw new RetryAfter(milliseconds)
    })
    expect(job.status).toBe('scheduled')
    expect(job.runAt.getTime() - job.startedAt!.getTime()).toBeCloseTo(365 * 86_400_000, -4)
  },
)

test('RetryAfter(NaN) backs off like any other error', async () => {
  const { job } = await jobOf(() => {
    throw new RetryAfter(Number.NaN)
  })
  expect(job).toMatchObject({ status: 'scheduled', attempt: 1 })
  expect(job.runAt.getTime() - job.startedAt!.getTime()).toBeGreaterThan(2_000)
})

test('RetryAfter of a negative time is tried again at once, as often as there are attempts', async () => {
  const { job } = await jobOf(() => {
    throw new RetryAfter(-1)
  })
  expect(job).toMatchObject({ status: 'failed', attempt: 3 })
})

const results: [what: string, value: () => unknown, says: RegExp][] = [
  ['a function', () => () => {}, /^cool\.bad: result is a function, which JSON does not have/],
  ['a bigint', () => 1n, /^cool\.bad: result is a bigint/],
  ['NaN', () => Number.NaN, /^cool\.bad: result is NaN/],
  ['a Date', () => new Date(0), /^cool\.bad: result is a Date, .*toISOString\(\)/],
  ['a Map', () => ({ rows: new Map() }), /^cool\.bad: result\.rows is a Map/],
  ['a symbol', () => [Symbol('x')], /^cool\.bad: result\[0\] is a symbol/],
  ['a NUL', () => 'a\u0000b', /^cool\.bad: result contains the character \\u0000/],
  ['a cycle', () => circular(), /^cool\.bad: result\.self is .*cycles/],
  [
    'more than a megabyte',
    () => 'x'.repeat(1_048_575),
    /^cool\.bad: the result is \d+ characters of JSON, and at most 1048576 are kept; store it elsewhere/,
  ],
  [
    'throwing getters',
    () => Object.defineProperty({}, 'rows', { get: hostile, enumerable: true }),
    /^cool\.bad: the result throws when it is read: do not look$/,
  ],
  [
    'a Proxy that throws on every look',
    () => new Proxy({}, { ownKeys: hostile, get: hostile, getPrototypeOf: hostile }),
    /^cool\.bad: the result throws when it is read: do not look$/,
  ],
]

test.each(results)('a task that returns %s has failed for good, saying so', async (_, value, says) => {
  const { job, report } = await jobOf(value)
  expect(report).toMatchObject({ failed: 1, retried: 0 })
  expect(job).toMatchObject({ status: 'failed', attempt: 1, result: null })
  expect(job.error).toMatchObject({ name: 'InvalidResult', message: expect.stringMatching(says) })
})

test.each(results)('a task that returns a promise of %s has failed for good too', async (_, value, says) => {
  // In an object: JavaScript itself asks what a promise resolves to for its `then`.
  const { job } = await jobOf(async () => ({ value: value() }))
  expect(job).toMatchObject({ status: 'failed', attempt: 1, error: { name: 'InvalidResult' } })
  expect(job.error?.message).toMatch(new RegExp(says.source.replace(': result', ': result\\.value')))
})

test('a result of just one megabyte is kept', async () => {
  const { job } = await jobOf(() => 'x'.repeat(1_048_574))
  expect(job.result).toHaveLength(1_048_574)
})

test('a result is kept as it was when the handler returned it', async () => {
  const rows: number[] = []
  const growing = task({
    params: {},
    run: () => {
      rows.push(rows.length)
      return { rows }
    },
  })
  const { jobs } = await setup({ cool: { growing } })
  const inserted = await jobs.insertMany([
    { task: growing, args: {} },
    { task: growing, args: {} },
  ])
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 2 })
  const results = await Promise.all(inserted.map(async ({ id }) => (await jobs.get(id))?.result))
  expect(results).toEqual([{ rows: [0] }, { rows: [0, 1] }])
})

test('a task that never ends is left to its lease: the drain returns in time, and the job comes back', async () => {
  let attempts = 0
  const endless = task({
    params: {},
    run: () => {
      attempts += 1
      return attempts === 1 ? new Promise<void>(() => {}) : Promise.resolve()
    },
  })
  const { jobs, clock } = await setup({ cool: { endless, good } })
  const [job] = await jobs.insertMany([
    { task: endless, args: {} },
    { task: good, args: {} },
  ])
  const deadline = deadlineIn(400)
  const report = await jobs.runUntilEmpty(deadline, { settleMs: 100, graceMs: 5_000 })
  expect(Date.now() - deadline.getTime()).toBeLessThan(1_000)
  expect(report).toMatchObject({ stopReason: 'deadline', abandoned: 1, completed: 1 })
  expect((await jobs.get(job!.id))?.status).toBe('running')
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(0)

  await clock.advance({ seconds: 10 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  expect(await jobs.get(job!.id)).toMatchObject({ status: 'completed', attempt: 2, failures: 1 })
})

test('a task that throws because its deadline has come is waiting again, its attempt counted', async () => {
  const told = task({ params: {}, run: (_, { signal }) => aborted(signal) })
  const { jobs } = await setup({ cool: { told } })
  const job = await jobs.insert(told, {})
  expect(await jobs.runUntilEmpty(deadlineIn(400), { settleMs: 500 })).toMatchObject({
    abandoned: 0,
    stopReason: 'deadline',
  })
  expect(await jobs.get(job.id)).toMatchObject({
    status: 'waiting',
    attempt: 1,
    failures: 1,
    error: { message: 'told to stop' },
  })
})

test('a task that throws after its drain has left harms nobody: its lease ends, and it is tried again', async () => {
  const { promise, reject } = Promise.withResolvers<void>()
  const late = task({ params: {}, run: () => promise })
  const { jobs, clock } = await setup({ cool: { late } })
  const job = await jobs.insert(late, {})
  expect(await jobs.runUntilEmpty(deadlineIn(400), { settleMs: 50 })).toMatchObject({ abandoned: 1 })
  reject(new Error('too late'))
  await promise.catch(() => {})
  expect((await jobs.get(job.id))?.status).toBe('running')
  await clock.advance({ minutes: 1 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.get(job.id)).toMatchObject({ attempt: 2, failures: 2, error: { message: 'too late' } })
})

test('a task that runs past its own timeoutMs is told by its signal, naming the task and the time', async () => {
  const slow = task({
    params: {},
    timeoutMs: 100,
    run: (_, { signal }) => aborted(signal).catch(() => Promise.reject(signal.reason)),
  })
  const { jobs } = await setup({ cool: { slow } })
  const job = await jobs.insert(slow, {})
  expect((await jobs.runUntilEmpty(deadlineIn())).retried).toBe(1)
  expect((await jobs.get(job.id))?.error).toMatchObject({
    name: 'TimeoutError',
    message: 'cool.slow #1 ran longer than its 100 ms',
  })
})

test('a task that throws NonRetriable has failed, whatever attempts are left', async () => {
  const { job } = await jobOf(() => {
    throw new NonRetriable('there is no such region')
  })
  expect(job).toMatchObject({
    status: 'failed',
    attempt: 1,
    error: { name: 'NonRetriable', message: 'there is no such region' },
  })
})

function circular(): object {
  const value: Record<string, unknown> = {}
  value.self = value
  return value
}
