import { dependsOn, task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

/** An invocation that is gone at once: it returns while its handlers run. */
const killed = { settleMs: 20 }
const soonGone = () => deadlineIn(400)
/** With a free slot a drain looks for more, and might take its own job back. */
const takesNothingElse = { concurrency: 1 }

/** A task whose first run never ends. */
function crashing(rules: { maxAttempts?: number } = {}) {
  let runs = 0
  const crash = task({
    params: {},
    ...rules,
    run() {
      runs += 1
      if (runs === 1) return new Promise<void>(() => {})
      return undefined
    },
  })
  return { crash, cool: { crash } }
}

test('what a killed invocation held is taken back by the next claim once its lease is over, and counts a failure', async () => {
  const { crash, cool } = crashing()
  const { jobs, clock } = await setup({ cool })
  const job = await jobs.insert(crash, {})
  await jobs.runUntilEmpty(soonGone(), killed)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, stopReason: 'empty' })
  expect((await jobs.get(job.id))?.status).toBe('running')
  await clock.advance({ seconds: 31 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'completed', attempt: 2, failures: 1 })
})

test('until its lease is over nobody takes a job back, and the report says when that is', async () => {
  const { crash, cool } = crashing()
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(crash, {})
  await jobs.runUntilEmpty(soonGone(), killed)
  const lease = (await jobs.get(job.id))!.leaseUntil!
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(Math.abs(report.nextWakeAt!.getTime() - lease.getTime())).toBeLessThan(1_000)
})

test('a lease ends a grace after the deadline', async () => {
  const { crash, cool } = crashing()
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(crash, {})
  const deadline = soonGone()
  await jobs.runUntilEmpty(deadline, { ...killed, graceMs: 5_000 })
  const lease = (await jobs.get(job.id))!.leaseUntil!.getTime()
  expect(Math.abs(lease - (deadline.getTime() + 5_000))).toBeLessThan(500)
})

test("a lease is counted from the database's clock, whatever the invocation's says", async () => {
  const { crash, cool } = crashing()
  const now = () => Date.now() - 9 * 3_600_000
  const { jobs, clock } = await setup({ cool }, { now })
  await clock.advance({ days: 3 })
  const job = await jobs.insert(crash, {})
  await jobs.runUntilEmpty(new Date(now() + 150), { ...killed, graceMs: 5_000 })
  const left = (await jobs.get(job.id))!.leaseUntil!.getTime() - (await clock.now()).getTime()
  expect(left).toBeGreaterThan(3_000)
  expect(left).toBeLessThanOrEqual(5_150)
})

test('a job whose every invocation is killed fails after its attempts, and so do its dependents', async () => {
  const crash = task({ params: {}, maxAttempts: 2, run: () => new Promise<void>(() => {}) })
  const after = task({ params: {}, dependencies: dependsOn(crash), run() {} })
  const { jobs, clock } = await setup({ cool: { crash, after } })
  const dependent = await jobs.insert(after, {})
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    await jobs.runUntilEmpty(soonGone(), killed)
    await clock.advance({ minutes: 1 })
  }
  await jobs.runUntilEmpty(deadlineIn())
  const [lost] = (await jobs.list({ task: 'cool.crash' })).jobs
  expect(lost).toMatchObject({ status: 'failed', attempt: 2, failures: 2, error: { name: 'LeaseLost' } })
  const failed = (await jobs.get(dependent.id))!
  expect(failed.status).toBe('failed')
  expect(failed.error?.message).toContain(`cool.crash #${lost!.id}`)
})

test('a drain that goes on takes back what expires meanwhile', async () => {
  const { crash, cool } = crashing()
  const gate = new Gate()
  const step = task({ params: {}, run: () => gate.pass() })
  const { jobs, clock } = await setup({ cool: { ...cool, step } })
  const job = await jobs.insert(crash, {})
  await jobs.runUntilEmpty(soonGone(), killed)
  await jobs.insertMany([1, 2, 3].map(() => ({ task: step, args: {} })))
  const drained = jobs.runUntilEmpty(deadlineIn(), { concurrency: 1, batchSize: 1 })
  await gate.holds(1)
  await clock.advance({ seconds: 40 })
  gate.open()
  expect(await drained).toMatchObject({ completed: 4 })
  expect((await jobs.get(job.id))?.status).toBe('completed')
})

test('a settle that comes after the job was taken back is refused and reported', async () => {
  const gate = new Gate()
  let runs = 0
  const slow = task({
    params: {},
    async run() {
      runs += 1
      if (runs > 1) return 'second'
      await gate.pass()
      return 'first'
    },
  })
  const { jobs, clock } = await setup({ cool: { slow } })
  const job = await jobs.insert(slow, {})
  const first = jobs.runUntilEmpty(deadlineIn(), takesNothingElse)
  await gate.holds(1)
  await clock.advance({ hours: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  gate.open()
  const report = await first
  expect(report).toMatchObject({ completed: 0, refused: 1 })
  expect(report.jobs).toMatchObject([{ id: job.id, task: 'cool.slow', status: 'refused', attempt: 1 }])
  expect(await jobs.get(job.id)).toMatchObject({ status: 'completed', result: 'second', attempt: 2 })
})

test('a late failure is refused like a late success', async () => {
  const gate = new Gate()
  let runs = 0
  const slow = task({
    params: {},
    async run() {
      runs += 1
      if (runs > 1) return
      await gate.pass()
      throw new Error('too late')
    },
  })
  const { jobs, clock } = await setup({ cool: { slow } })
  const job = await jobs.insert(slow, {})
  const first = jobs.runUntilEmpty(deadlineIn(), takesNothingElse)
  await gate.holds(1)
  await clock.advance({ hours: 1 })
  await jobs.runUntilEmpty(deadlineIn())
  gate.open()
  expect(await first).toMatchObject({ failed: 0, retried: 0, refused: 1 })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'completed', error: null, failures: 1 })
})

test('a job that outlives its lease is settled all the same while nobody has taken it back', async () => {
  const gate = new Gate()
  const slow = task({ params: {}, run: () => gate.pass() })
  const { jobs, clock } = await setup({ cool: { slow } })
  const job = await jobs.insert(slow, {})
  const drained = jobs.runUntilEmpty(deadlineIn(), takesNothingElse)
  await gate.holds(1)
  await clock.advance({ hours: 1 })
  gate.open()
  await drained
  expect((await jobs.get(job.id))?.finishedAt).toBeInstanceOf(Date)
})
