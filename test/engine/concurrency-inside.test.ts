import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

/** A task whose jobs take so long, with how many of them run, and ran at once at most. */
function taking(milliseconds: number) {
  const load = { running: 0, most: 0 }
  const step = task({
    params: {},
    async run() {
      load.running += 1
      load.most = Math.max(load.most, load.running)
      await pause(milliseconds)
      load.running -= 1
    },
  })
  return { load, step, cool: { step } }
}

test.each([1, 3])('at most `concurrency` handlers run at once, and as many as that: %d', async (concurrency) => {
  const { load, step, cool } = taking(10)
  const { jobs } = await setup({ cool })
  await jobs.insertMany(Array.from({ length: 12 }, () => ({ task: step, args: {} })))
  expect((await jobs.runUntilEmpty(deadlineIn(), { concurrency })).completed).toBe(12)
  expect(load.most).toBe(concurrency)
})

test('without `concurrency` up to 10 handlers run at once', async () => {
  const { load, step, cool } = taking(30)
  const { jobs } = await setup({ cool })
  await jobs.insertMany(Array.from({ length: 25 }, () => ({ task: step, args: {} })))
  await jobs.runUntilEmpty(deadlineIn())
  expect(load.most).toBe(10)
})

test('concurrency holds for a batch that is larger', async () => {
  const { load, step, cool } = taking(5)
  const { jobs } = await setup({ cool })
  await jobs.insertMany(Array.from({ length: 30 }, () => ({ task: step, args: {} })))
  expect((await jobs.runUntilEmpty(deadlineIn(), { concurrency: 2, batchSize: 30 })).completed).toBe(30)
  expect(load.most).toBe(2)
})

test('one slow job does not hold the rest up', async () => {
  const gate = new Gate()
  let finished = 0
  const slow = task({ params: {}, run: () => gate.pass() })
  const quick = task({
    params: {},
    async run() {
      await pause(1)
      finished += 1
      if (finished === 40) gate.open()
    },
  })
  const { jobs } = await setup({ cool: { slow, quick } })
  await jobs.insert(slow, {}, { priority: 1 })
  await jobs.insertMany(Array.from({ length: 40 }, () => ({ task: quick, args: {} })))
  const report = await jobs.runUntilEmpty(deadlineIn(), { concurrency: 3 })
  expect(report).toMatchObject({ completed: 41, stopReason: 'empty' })
})

test('what ends beside a slow job is written while that still runs', async () => {
  const gate = new Gate()
  const slow = task({ params: {}, run: () => gate.pass() })
  const quick = task({ params: {}, run() {} })
  const { jobs } = await setup({ cool: { slow, quick } })
  await jobs.insert(slow, {}, { priority: 1 })
  const job = await jobs.insert(quick, {})
  const drained = jobs.runUntilEmpty(deadlineIn(), {
    onJob: ({ id }) => {
      if (id === job.id) gate.open()
    },
  })
  expect(await drained).toMatchObject({ completed: 2 })
})

test('a drain that waits for its last handler takes what is inserted meanwhile', async () => {
  const gate = new Gate()
  const slow = task({ params: {}, run: () => gate.pass() })
  const release = task({ params: {}, run: () => gate.open() })
  const { jobs } = await setup({ cool: { slow, release } })
  await jobs.insert(slow, {})
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  await jobs.insert(release, {})
  expect(await drained).toMatchObject({ completed: 2, stopReason: 'empty' })
})

test('where jobs are slow no more are claimed than can start', async () => {
  const claimed: number[] = []
  const { jobs } = await setup({
    cool: {
      slow: task({
        params: {},
        async run() {
          await pause(150)
          claimed.push((await jobs.status()).jobs.running)
        },
      }),
    },
  })
  await jobs.insertMany(Array.from({ length: 8 }, () => ({ task: 'cool.slow', args: {} })))
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 2 })
  expect(claimed).toHaveLength(8)
  expect(Math.max(...claimed)).toBeLessThanOrEqual(2)
})

test('where jobs are short more are claimed ahead, so that statements are few', async () => {
  const quick = task({ params: {}, run() {} })
  const { jobs } = await setup({ cool: { quick } })
  await jobs.insertMany(Array.from({ length: 3_000 }, () => ({ task: quick, args: {} })))
  const report = await jobs.runUntilEmpty(deadlineIn(), { concurrency: 5 })
  expect(report.completed).toBe(3_000)
  expect(report.statements).toBeLessThan(20)
})

test('what was claimed ahead of slow jobs goes back at the deadline, and another invocation may run it', async () => {
  const gate = new Gate()
  const ran: number[] = []
  const first = { stuck: true }
  const step = task({
    params: { n: v.number() },
    async run({ n }) {
      ran.push(n)
      if (first.stuck) await gate.pass()
    },
  })
  const { jobs } = await setup({ cool: { step } })
  await jobs.insertMany([1, 2, 3, 4].map((n) => ({ task: step, args: { n } })))
  const report = await jobs.runUntilEmpty(deadlineIn(400), { concurrency: 1, batchSize: 4, settleMs: 100 })
  expect(report).toMatchObject({ abandoned: 1, released: 3, remaining: 3 })
  first.stuck = false
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 3 })
  expect(ran).toEqual([1, 2, 3, 4])
})

test('a handler that inserts jobs has them run in the same drain', async () => {
  const ran: number[] = []
  const countdown = task({
    params: { n: v.number() },
    async run({ n }, ctx) {
      ran.push(n)
      if (n > 0) await ctx.insert('cool.countdown', { n: n - 1 }, { priority: ctx.job.priority })
    },
  })
  const { jobs } = await setup({ cool: { countdown } })
  await jobs.insert(countdown, { n: 4 }, { priority: 3 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 5 })
  expect(ran).toEqual([4, 3, 2, 1, 0])
})
