import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { aborted, deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

const quick = () => task({ params: {}, run() {} })
/** Runs until its signal fires, and throws then. */
const untilStopped = () => task({ params: {}, run: (_, ctx) => aborted(ctx.signal) })
const endless = () => task({ params: {}, run: () => new Promise<void>(() => {}) })

test.each([
  ['near', 5],
  ['past', -60_000],
])('with the deadline %s nothing is claimed', async (_, milliseconds) => {
  const cool = { quick: quick() }
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(cool.quick, {})
  const warnings: string[] = []
  const warned = (warning: Error) => warnings.push(warning.name)
  process.on('warning', warned)
  const report = await jobs.runUntilEmpty(deadlineIn(milliseconds))
  expect(report).toMatchObject({ stopReason: 'deadline', completed: 0, remaining: 1 })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'waiting', attempt: 0 })
  process.off('warning', warned)
  expect(warnings).toEqual([])
})

test('once the deadline is near nothing new is claimed, and what is left is counted', async () => {
  let time = 1_000_000
  const step = task({
    params: {},
    run() {
      time += 4_000
    },
  })
  const { jobs } = await setup({ cool: { step } }, { now: () => time })
  await jobs.insertMany(Array.from({ length: 5 }, () => ({ task: step, args: {} })))
  const report = await jobs.runUntilEmpty(new Date(time + 8_000), { batchSize: 1 })
  expect(report).toMatchObject({ stopReason: 'deadline', completed: 2, remaining: 3, released: 0 })
})

test("at the deadline the jobs' signals fire, and not before", async () => {
  const fired: number[] = []
  const watching = task({
    params: {},
    async run(_, ctx) {
      await aborted(ctx.signal).catch(() => fired.push(Date.now()))
    },
  })
  const { jobs } = await setup({ cool: { watching } })
  await jobs.insertMany([1, 2].map(() => ({ task: watching, args: {} })))
  const deadline = deadlineIn(400)
  const report = await jobs.runUntilEmpty(deadline)
  expect(fired).toHaveLength(2)
  // A timer may fire a millisecond early.
  expect(Math.min(...fired)).toBeGreaterThanOrEqual(deadline.getTime() - 2)
  expect(report).toMatchObject({ stopReason: 'deadline', completed: 2 })
})

test('ctx.deadline is when the signal will fire', async () => {
  const seen: Date[] = []
  const looking = (timeoutMs?: number) =>
    task({
      params: {},
      ...(timeoutMs && { timeoutMs }),
      run(_, ctx) {
        seen.push(ctx.deadline)
      },
    })
  const cool = { plain: looking(), short: looking(1_000) }
  const { jobs } = await setup({ cool })
  const deadline = deadlineIn()
  await jobs.insert(cool.plain, {})
  await jobs.insert(cool.short, {})
  await jobs.runUntilEmpty(deadline, { concurrency: 1 })
  expect(seen[0]).toEqual(deadline)
  expect(seen[1]!.getTime()).toBeLessThanOrEqual(Date.now() + 1_000)
})

test('a job that ends after its signal is released and counts an attempt', async () => {
  const cool = { slow: untilStopped() }
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(cool.slow, {})
  const report = await jobs.runUntilEmpty(deadlineIn(400))
  expect(report).toMatchObject({ stopReason: 'deadline', released: 1, failed: 0, retried: 0 })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'waiting', attempt: 1, failures: 1 })
})

test('a job that the deadline ends time and again has failed after its attempts', async () => {
  const slow = task({ params: {}, maxAttempts: 2, run: (_, ctx) => aborted(ctx.signal) })
  const { jobs } = await setup({ cool: { slow } })
  const job = await jobs.insert(slow, {})
  await jobs.runUntilEmpty(deadlineIn(400))
  expect(await jobs.runUntilEmpty(deadlineIn(400))).toMatchObject({ failed: 1 })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'failed', attempt: 2, error: { message: 'told to stop' } })
})

test('a job that completes after its signal, within settleMs, is completed', async () => {
  const late = task({
    params: {},
    async run(_, ctx) {
      await aborted(ctx.signal).catch(() => {})
      return 'saved'
    },
  })
  const { jobs } = await setup({ cool: { late } })
  const job = await jobs.insert(late, {})
  expect(await jobs.runUntilEmpty(deadlineIn(400))).toMatchObject({ completed: 1, abandoned: 0 })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'completed', result: 'saved' })
})

test('what was claimed and not started goes back without counting', async () => {
  const cool = { slow: untilStopped() }
  const { jobs } = await setup({ cool })
  await jobs.insertMany(Array.from({ length: 5 }, () => ({ task: cool.slow, args: {} })))
  const report = await jobs.runUntilEmpty(deadlineIn(400), { concurrency: 1, batchSize: 5 })
  expect(report).toMatchObject({ stopReason: 'deadline', released: 5, remaining: 5 })
  const failures = (await jobs.list({ status: 'waiting' })).jobs.map((job) => job.failures)
  expect(failures.toSorted()).toEqual([0, 0, 0, 0, 1])
})

test('a handler that never ends is left to its lease, and the drain returns by deadline + settleMs', async () => {
  const cool = { endless: endless() }
  const { jobs } = await setup({ cool }, { systemProcessUnits: 1 })
  const job = await jobs.insert(cool.endless, {})
  const deadline = deadlineIn(400)
  const report = await jobs.runUntilEmpty(deadline, { settleMs: 300 })
  expect(Date.now()).toBeLessThanOrEqual(deadline.getTime() + 300)
  expect(report).toMatchObject({ stopReason: 'deadline', abandoned: 1, completed: 0, released: 0 })
  const left = (await jobs.get(job.id))!
  expect(left.status).toBe('running')
  expect(left.leaseUntil!.getTime()).toBeGreaterThan(Date.now())
})

test('a job that is left to its lease is not run twice at once, and keeps its units', async () => {
  const gate = new Gate()
  const stuck = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ cool: { stuck } }, { systemProcessUnits: 1 })
  await jobs.insert(stuck, {})
  await jobs.runUntilEmpty(deadlineIn(400), { settleMs: 50 })
  await jobs.insert(stuck, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ stopReason: 'capacity', completed: 0, remaining: 1 })
  expect(gate.most).toBe(1)
})

test('what ended beside a handler that never ends is settled', async () => {
  const cool = { endless: endless(), slow: untilStopped() }
  const { jobs } = await setup({ cool })
  await jobs.insert(cool.endless, {})
  const job = await jobs.insert(cool.slow, {})
  expect(await jobs.runUntilEmpty(deadlineIn(400), { settleMs: 200 })).toMatchObject({ abandoned: 1, released: 1 })
  expect((await jobs.get(job.id))?.status).toBe('waiting')
})

test('a job whose timeoutMs does not fit before the deadline is not started', async () => {
  const long = task({ params: {}, timeoutMs: 60_000, run() {} })
  const cool = { quick: quick(), long }
  const { jobs } = await setup({ cool })
  await jobs.insert(cool.quick, {}, { priority: 5 })
  const job = await jobs.insert(long, {})
  const report = await jobs.runUntilEmpty(deadlineIn(10_000))
  expect(report).toMatchObject({ stopReason: 'deadline', completed: 1, remaining: 1 })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'waiting', failures: 0 })
})

test('it is started where nothing else has run in this invocation, and then it is the only one of its kind', async () => {
  const long = task({ params: {}, timeoutMs: 60_000, run() {} })
  const { jobs } = await setup({ cool: { long } })
  await jobs.insertMany([1, 2].map(() => ({ task: long, args: {} })))
  expect(await jobs.runUntilEmpty(deadlineIn(10_000))).toMatchObject({ stopReason: 'deadline', completed: 1 })
})

test('a job whose timeoutMs does not fit is passed over by those that fit', async () => {
  const long = task({ params: {}, timeoutMs: 60_000, run() {} })
  const cool = { quick: quick(), long }
  const { jobs } = await setup({ cool })
  await jobs.insert(cool.quick, {}, { priority: 5 })
  await jobs.insert(long, {}, { priority: 3 })
  await jobs.insertMany(Array.from({ length: 20 }, () => ({ task: cool.quick, args: {} })))
  expect(await jobs.runUntilEmpty(deadlineIn(10_000))).toMatchObject({ completed: 21, remaining: 1 })
})

test('timeoutMs fires the signal of its job alone, and what it ends is tried again', async () => {
  const gate = new Gate()
  const short = task({
    params: {},
    timeoutMs: 60,
    async run(_, ctx) {
      await aborted(ctx.signal).catch(() => {
        gate.open()
        throw ctx.signal.reason
      })
    },
  })
  let signalled = false
  const other = task({
    params: { name: v.string() },
    async run(_, ctx) {
      await gate.pass()
      signalled = ctx.signal.aborted
    },
  })
  const { jobs } = await setup({ cool: { short, other } })
  const job = await jobs.insert(short, {})
  await jobs.insert(other, { name: 'x' })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, retried: 1, stopReason: 'empty' })
  expect(signalled).toBe(false)
  expect(await jobs.get(job.id)).toMatchObject({
    status: 'scheduled',
    failures: 1,
    error: { name: 'TimeoutError', message: `cool.short #${job.id} ran longer than its 60 ms` },
  })
})

test("an abort by the caller's signal ends a drain as its deadline would", async () => {
  const stop = new AbortController()
  const gate = new Gate()
  const slow = task({
    params: {},
    run(_, ctx) {
      void gate.pass()
      return aborted(ctx.signal)
    },
  })
  const { jobs } = await setup({ cool: { slow } })
  await jobs.insertMany([1, 2, 3].map(() => ({ task: slow, args: {} })))
  const drained = jobs.runUntilEmpty(deadlineIn(), { concurrency: 1, batchSize: 3, signal: stop.signal })
  await gate.holds(1)
  stop.abort()
  expect(await drained).toMatchObject({ stopReason: 'aborted', completed: 0, remaining: 2 })
  expect((await jobs.status()).jobs.running).toBe(0)
})

test('what a handler gives to waitUntil is waited for before the drain returns', async () => {
  let sent = false
  const sending = task({
    params: {},
    run(_, ctx) {
      ctx.waitUntil(new Promise<void>((resolve) => setTimeout(resolve, 50)).then(() => void (sent = true)))
    },
  })
  const { jobs } = await setup({ cool: { sending } })
  await jobs.insert(sending, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(sent).toBe(true)
})

test('asked to finish, a drain starts nothing more, lets what runs end, and hands the rest back', async () => {
  const gate = new Gate()
  const signals: boolean[] = []
  const held = task({
    params: {},
    async run(_, ctx) {
      await gate.pass()
      signals.push(ctx.signal.aborted)
    },
  })
  const { jobs } = await setup({ cool: { held } })
  await jobs.insertMany(Array.from({ length: 6 }, () => ({ task: held, args: {} })))
  const finishing = new AbortController()
  const draining = jobs.runUntilEmpty(deadlineIn(), { concurrency: 2, batchSize: 4, finish: finishing.signal })
  await gate.holds(2)
  finishing.abort()
  gate.open()
  expect(await draining).toMatchObject({ stopReason: 'aborted', completed: 2, released: 2, remaining: 4 })
  expect(signals).toEqual([false, false])
})
