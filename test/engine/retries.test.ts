import { NonRetriable, RetryAfter, task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

/** A task that does what the test says. */
function doing(run: () => unknown, rules: { maxAttempts?: number } = {}) {
  // What a handler returns is not always what its type says.
  const act = task({ params: {}, ...rules, run: run as () => null })
  return { act, cool: { act } }
}

const throwing = (error: unknown, rules?: { maxAttempts?: number }) =>
  doing(() => {
    throw error
  }, rules)

test('a job that fails is tried again after a back-off', async () => {
  let failing = true
  const { act, cool } = doing(() => {
    if (failing) throw new Error('the source is down')
    return 'done'
  })
  const { jobs, clock } = await setup({ cool })
  const job = await jobs.insert(act, {})
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(report).toMatchObject({ retried: 1, failed: 0, completed: 0, stopReason: 'empty' })
  expect(report.jobs).toMatchObject([{ id: job.id, status: 'scheduled', error: { message: 'the source is down' } }])
  expect(await jobs.get(job.id)).toMatchObject({ status: 'scheduled', attempt: 1, failures: 1, finishedAt: null })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(0)
  failing = false
  await clock.advance({ seconds: 5 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  expect(await jobs.get(job.id)).toMatchObject({ status: 'completed', attempt: 2, error: null, result: 'done' })
})

test('the report says when the back-off is over', async () => {
  const { act, cool } = throwing(new Error('no'))
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(act, {})
  const report = await jobs.runUntilEmpty(deadlineIn())
  const { runAt } = (await jobs.get(job.id))!
  expect(Math.abs(report.nextWakeAt!.getTime() - runAt.getTime())).toBeLessThan(1_000)
})

test('the back-off is between a half and the whole of 5 seconds, doubled with each failure, an hour at most', async () => {
  const { act, cool } = throwing(new Error('no'), { maxAttempts: 30 })
  const { jobs, clock } = await setup({ cool })
  const job = await jobs.insert(act, {})
  for (let failures = 1; failures <= 14; failures += 1) {
    const before = await clock.now()
    await jobs.runUntilEmpty(deadlineIn())
    const after = await clock.now()
    const retried = (await jobs.get(job.id))!
    expect(retried).toMatchObject({ status: 'scheduled', failures })
    const whole = Math.min(5_000 * 2 ** (failures - 1), 3_600_000)
    // Times are in whole milliseconds here.
    expect(retried.runAt.getTime()).toBeGreaterThanOrEqual(before.getTime() + whole / 2 - 1)
    expect(retried.runAt.getTime()).toBeLessThanOrEqual(after.getTime() + whole + 1)
    await clock.advance({ hours: 1 })
  }
})

test('jobs that failed together do not come back together', async () => {
  const { act, cool } = throwing(new Error('no'))
  const { jobs } = await setup({ cool })
  await jobs.insertMany(Array.from({ length: 20 }, () => ({ task: act, args: {} })))
  await jobs.runUntilEmpty(deadlineIn())
  const times = (await jobs.list({ status: 'scheduled' })).jobs.map(({ runAt }) => runAt.getTime())
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(200)
})

test('after three attempts a job has failed, when its task says nothing else', async () => {
  const { act, cool } = throwing(new Error('no'))
  const { jobs, clock } = await setup({ cool })
  const job = await jobs.insert(act, {})
  const ends: string[] = []
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await jobs.runUntilEmpty(deadlineIn())
    ends.push((await jobs.get(job.id))!.status)
    await clock.advance({ hours: 1 })
  }
  expect(ends).toEqual(['scheduled', 'scheduled', 'failed'])
  expect(await jobs.get(job.id)).toMatchObject({ failures: 3, finishedAt: expect.any(Date), error: { message: 'no' } })
  expect((await jobs.runUntilEmpty(deadlineIn())).retried).toBe(0)
})

test('maxAttempts says how many attempts there are', async () => {
  const { act, cool } = throwing(new Error('no'), { maxAttempts: 1 })
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(act, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ failed: 1, retried: 0 })
  expect((await jobs.get(job.id))?.status).toBe('failed')
})

test('RetryAfter decides when the next attempt starts', async () => {
  const { act, cool } = throwing(new RetryAfter(90_000))
  const { jobs, clock } = await setup({ cool })
  const job = await jobs.insert(act, {})
  const before = await clock.now()
  await jobs.runUntilEmpty(deadlineIn())
  const { status, runAt, failures } = (await jobs.get(job.id))!
  expect({ status, failures }).toEqual({ status: 'scheduled', failures: 1 })
  expect(runAt.getTime() - before.getTime()).toBeGreaterThanOrEqual(89_999)
  expect(runAt.getTime() - before.getTime()).toBeLessThan(92_000)
})

test('RetryAfter counts like any failure', async () => {
  const { act, cool } = throwing(new RetryAfter(1_000), { maxAttempts: 2 })
  const { jobs, clock } = await setup({ cool })
  const job = await jobs.insert(act, {})
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ seconds: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.get(job.id))?.status).toBe('failed')
})

test('NonRetriable, or an error that extends it, fails a job at once', async () => {
  class NoSuchRegion extends NonRetriable {}
  const { act, cool } = throwing(new NoSuchRegion('no region "x"'), { maxAttempts: 10 })
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(act, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ failed: 1, retried: 0 })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'failed', failures: 1, error: { message: 'no region "x"' } })
})

test('the error that is kept has message, name and stack', async () => {
  const { act, cool } = throwing(new RangeError('out of range'))
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(act, {})
  await jobs.runUntilEmpty(deadlineIn())
  const { error } = (await jobs.get(job.id))!
  expect(error).toMatchObject({ name: 'RangeError', message: 'out of range' })
  expect(error?.stack).toContain('retries.test.ts')
})

test('a long error is cut, to 2,000 characters of message and 4,000 of stack', async () => {
  const { act, cool } = throwing(new Error('x'.repeat(100_000)))
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(act, {})
  await jobs.runUntilEmpty(deadlineIn())
  const { error } = (await jobs.get(job.id))!
  expect(error?.message).toHaveLength(2_000)
  expect(error?.stack).toHaveLength(4_000)
})

test.each([
  ['a text', 'just text', 'just text'],
  ['nothing', undefined, 'undefined'],
  ['an object', { toString: () => 'told by toString' }, 'told by toString'],
  ['an object without a text', Object.create(null), 'the handler threw something that cannot be shown'],
  ['an error with a character that Postgres cannot store', new Error('a\u0000b'), 'a\uFFFDb'],
])('whatever is thrown is kept: %s', async (_, thrown, message) => {
  const { act, cool } = throwing(thrown)
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(act, {})
  expect((await jobs.runUntilEmpty(deadlineIn())).retried).toBe(1)
  expect((await jobs.get(job.id))?.error?.message).toBe(message)
})

test.each([
  ['an object', { rows: 42, list: [1, 'two', null, { deep: true }] }],
  ['a text', 'text, "quoted", ünïcode 🎈'],
  ['a number', -0.125],
  ['false', false],
  ['a list', [[], {}]],
])('the JSON that a handler returns is kept as the result of its job: %s', async (_, result) => {
  const { act, cool } = doing(() => result)
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(act, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.get(job.id)).toMatchObject({ status: 'completed', result })
})

test('a job whose handler returns nothing has null as its result', async () => {
  const { act, cool } = doing(() => undefined)
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(act, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.get(job.id)).toMatchObject({ status: 'completed', result: null })
})
