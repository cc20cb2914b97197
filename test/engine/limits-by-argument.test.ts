import { createJobMaster, RetryAfter, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

const params = { customer: v.picklist([1, 2, 3, 4]), n: v.optional(v.number(), 0) }

/** A task of one job at a time for each customer, whose jobs stay until the gate opens, and which of them run. */
function perCustomer() {
  const gate = new Gate()
  const running: number[] = []
  const most = new Map<number, number>()
  const step = task({
    params,
    writeAll: ['customer'],
    processLimit: { max: 1, per: ['customer'] },
    async run({ customer }) {
      running.push(customer)
      most.set(customer, Math.max(most.get(customer) ?? 0, running.filter((one) => one === customer).length))
      await gate.pass()
      running.splice(running.indexOf(customer), 1)
    },
  })
  return { gate, most, step, cool: { step } }
}

test('a process limit by argument lets so many jobs run with the same value of it, and the others beside them', async () => {
  const { gate, most, step, cool } = perCustomer()
  const { jobs } = await setup({ cool })
  const items = [1, 1, 1, 2, 2, 3].map((customer) => ({ task: step, args: { customer: customer as 1 } }))
  await jobs.insertMany(items)
  const drained = jobs.runUntilEmpty(deadlineIn())
  await expect.poll(async () => (await jobs.status()).jobs.running).toBe(3)
  expect((await jobs.list({ status: 'running' })).jobs.map(({ args }) => args.customer)).toEqual([3, 2, 1])
  gate.open()
  expect((await drained).completed).toBe(6)
  expect([...most.values()]).toEqual([1, 1, 1])
})

test('what stands behind a long run of jobs of one customer is found', async () => {
  const { gate, step, cool } = perCustomer()
  const { jobs } = await setup({ cool })
  await jobs.insertMany(Array.from({ length: 3_000 }, () => ({ task: step, args: { customer: 1 as const } })))
  await jobs.insertMany(([2, 3] as const).map((customer) => ({ task: step, args: { customer } })))
  const stop = new AbortController()
  const drained = jobs.runUntilEmpty(deadlineIn(), { signal: stop.signal })
  await expect.poll(async () => (await jobs.status()).jobs.running).toBe(3)
  expect((await jobs.list({ status: 'running' })).jobs.map(({ args }) => args.customer)).toEqual([3, 2, 1])
  stop.abort()
  gate.open()
  await drained
})

test('each child of an ALL job counts under its own arguments', async () => {
  const { gate, most, step, cool } = perCustomer()
  const { jobs } = await setup({ cool })
  await jobs.insert(step, { customer: 'ALL' })
  await jobs.insert(step, { customer: 'ALL' })
  const drained = jobs.runUntilEmpty(deadlineIn())
  await expect.poll(async () => (await jobs.status()).jobs.running).toBe(4)
  gate.open()
  expect((await drained).completed).toBe(8)
  expect([...most.values()]).toEqual([1, 1, 1, 1])
})

test('explain and the queue view name a process limit by argument with its numbers', async () => {
  const { gate, step, cool } = perCustomer()
  const { jobs, sql } = await setup({ cool })
  const [first, second] = await jobs.insertMany([
    { task: step, args: { customer: 1 } },
    { task: step, args: { customer: 1 } },
  ])
  const drained = jobs.runUntilEmpty(deadlineIn())
  await expect.poll(async () => (await jobs.status()).jobs.running).toBe(1)
  expect(await jobs.explain(second!.id)).toContain(`process limit: 1 of 1 running with {"customer": 1}: #${first!.id}`)
  expect(await sql`select why_not from jobmaster.queue where id = ${second!.id}`).toEqual([
    { why_not: 'process limit: 1 of 1 running with the same customer' },
  ])
  gate.open()
  await drained
})

function rated(rateLimit: { max: number; perSeconds: number; per?: readonly ['customer'] }) {
  const call = task({ params, rateLimit, run() {} })
  return { call, cool: { call } }
}

test('a rate lets so many jobs start in its window, and says when the next may', async () => {
  const { call, cool } = rated({ max: 3, perSeconds: 3_600 })
  const { jobs, clock, sql } = await setup({ cool })
  await jobs.insertMany(Array.from({ length: 5 }, () => ({ task: call, args: { customer: 1 as const } })))
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(report).toMatchObject({ completed: 3, stopReason: 'capacity', remaining: 2 })
  const wakeIn = report.nextWakeAt!.getTime() - Date.now()
  expect(wakeIn).toBeGreaterThan(3_500_000)
  expect(wakeIn).toBeLessThanOrEqual(3_600_000)
  const [waiting] = (await jobs.list({ status: 'waiting' })).jobs
  expect(await jobs.explain(waiting!.id)).toContain('rate limit: 3 of 3 started in 3600 seconds; the next may at ')
  expect(await sql`select why_not from jobmaster.queue where id = ${waiting!.id}`).toEqual([
    { why_not: 'rate limit: 3 started in 3600 seconds' },
  ])
  await clock.advance({ minutes: 59 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(0)
  await clock.advance({ minutes: 1 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(2)
  // What has left the window is gone.
  expect(await sql`select count(*)::integer as starts from jobmaster.starts`).toEqual([{ starts: 2 }])
})

test('a rate by argument is counted for each value', async () => {
  const { call, cool } = rated({ max: 1, perSeconds: 60, per: ['customer'] })
  const { jobs, clock } = await setup({ cool })
  await jobs.insertMany(([1, 1, 2, 2, 3] as const).map((customer) => ({ task: call, args: { customer } })))
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(3)
  await clock.advance({ seconds: 61 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(2)
})

test('a drain with time left waits for a rate that soon lets the next job start', async () => {
  const { call, cool } = rated({ max: 2, perSeconds: 1 })
  const { jobs } = await setup({ cool })
  await jobs.insertMany(Array.from({ length: 4 }, () => ({ task: call, args: { customer: 1 as const } })))
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 4, stopReason: 'empty' })
})

test('a job that is handed back before it began has not started', async () => {
  const stopped = new AbortController()
  const call = task({
    params,
    rateLimit: { max: 3, perSeconds: 3_600 },
    async run() {
      stopped.abort()
      await Promise.resolve()
    },
  })
  const { jobs } = await setup({ cool: { call } })
  await jobs.insertMany(Array.from({ length: 3 }, () => ({ task: call, args: { customer: 1 as const } })))
  const report = await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1, batchSize: 3, signal: stopped.signal })
  expect(report).toMatchObject({ completed: 1, released: 2 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(2)
})

test('limits that are changed hold for what waits', async () => {
  const free = task({ params, run() {} })
  const { jobs, database } = await setup({ cool: { step: free } })
  await jobs.insertMany(([1, 1, 2] as const).map((customer) => ({ task: free, args: { customer } })))
  const { gate, most, step } = perCustomer()
  const limited = createJobMaster({ db: database.db, tasks: { cool: { step } } })
  await limited.deploy()
  const drained = limited.runUntilEmpty(deadlineIn())
  await expect.poll(async () => (await limited.status()).jobs.running).toBe(2)
  gate.open()
  expect((await drained).completed).toBe(3)
  expect([...most.values()]).toEqual([1, 1])
})

test('what ran while a deploy changed its limit counts by the new one when it comes back, behind many jobs of a full value', async () => {
  const held = new Gate()
  const before = task({
    params,
    processLimit: { max: 9, per: ['customer'] },
    async run() {
      await held.pass()
      throw new RetryAfter(0)
    },
  })
  const { jobs, database } = await setup({ cool: { step: before } })
  await jobs.insert(before, { customer: 2, n: 1 }, { priority: -1 })
  await jobs.insert(before, { customer: 3, n: 2 }, { priority: -1 })
  const drainedBefore = jobs.runUntilEmpty(deadlineIn())
  await held.holds(2)

  const gate = new Gate()
  const after = task({ params, processLimit: { max: 1, per: ['n'] }, run: () => gate.pass() })
  const deployed = createJobMaster({ db: database.db, tasks: { cool: { step: after } } })
  await deployed.deploy()
  held.open()
  expect((await drainedBefore).retried).toBe(2)
  const full = Array.from({ length: 1_000 }, () => ({ task: after, args: { customer: 1 as const, n: 1 } }))
  await deployed.insertMany(full)
  const stop = new AbortController()
  const drained = deployed.runUntilEmpty(deadlineIn(), { signal: stop.signal })
  await gate.holds(2)
  expect((await deployed.list({ status: 'running' })).jobs.map(({ args }) => args)).toEqual([
    { customer: 1, n: 1 },
    { customer: 3, n: 2 },
  ])
  stop.abort()
  gate.open()
  await drained
})

test('no more than its limit is found to run at once by a look for more invocations', async () => {
  const { step, cool } = perCustomer()
  const { jobs } = await setup({ cool })
  await jobs.insertMany(([1, 1, 1, 2] as const).map((customer) => ({ task: step, args: { customer } })))
  expect(await jobs.room(100)).toBe(2)
})

test.each([
  [
    { processLimit: { max: 0, per: ['a'] } },
    'cool.step: processLimit.max must be a whole number from 1 to 2147483647, got 0',
  ],
  [
    { processLimit: { max: 1, per: ['z'] } },
    'cool.step: processLimit.per names "z", which is no parameter (known: a, b)',
  ],
  [{ processLimit: { max: 1, per: [] } }, 'cool.step: processLimit.per must be a list of param names'],
  [{ processLimit: { max: 1, per: 'a' } }, 'cool.step: processLimit.per must be a list of param names'],
  [{ rateLimit: 5 }, 'cool.step: rateLimit must be { max, perSeconds }, got 5'],
  [
    { rateLimit: { max: 1.5, perSeconds: 1 } },
    'cool.step: rateLimit.max must be a whole number from 1 to 10000, got 1.5',
  ],
  [
    { rateLimit: { max: 1 } },
    'cool.step: rateLimit.perSeconds must be a whole number from 1 to 2592000, got undefined',
  ],
  [{ rateLimit: { max: 1, perSeconds: 1, per: ['z'] } }, 'cool.step: rateLimit.per names "z", which is no parameter'],
  [
    { processLimit: { max: 1, per: ['a'] }, rateLimit: { max: 1, perSeconds: 1, per: ['b'] } },
    'cool.step: processLimit is per a and rateLimit per b: give both the same per',
  ],
])('wrong limits are refused at deploy: %j', async (limits, message) => {
  const step = task({ params: { a: v.number(), b: v.number() }, ...(limits as object), run() {} })
  const { jobs } = await setup({ cool: { step } }, { deploy: false })
  await expect(jobs.deploy()).rejects.toMatchObject({ code: 'JM014', message: expect.stringContaining(message) })
})
