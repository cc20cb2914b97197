import { task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

/** A task of this weight whose jobs wait at a gate. */
function waiting(rules: { processUnits?: number; processLimit?: number }) {
  const gate = new Gate()
  const wait = task({ params: {}, ...rules, run: () => gate.pass() })
  return { gate, wait, cool: { wait } }
}

/** Lets handlers that wait at nothing overlap: an await or two, and the network in between. */
const moment = () => new Promise((resolve) => setTimeout(resolve, 5))

test("jobs whose units add up to exactly the system's run at once", async () => {
  const { gate, wait, cool } = waiting({ processUnits: 5 })
  const { jobs } = await setup({ cool }, { systemProcessUnits: 10 })
  await jobs.insertMany([1, 2].map(() => ({ task: wait, args: {} })))
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(2)
  gate.open()
  expect((await drained).completed).toBe(2)
})

test('a job whose units go one beyond what is free waits', async () => {
  const { gate, wait, cool } = waiting({ processUnits: 5 })
  const { jobs, database } = await setup({ cool }, { systemProcessUnits: 9 })
  await jobs.insertMany([1, 2].map(() => ({ task: wait, args: {} })))
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  const other = await setup({ cool }, { database, deploy: false, systemProcessUnits: 9 })
  const turnedAway = await other.jobs.runUntilEmpty(deadlineIn())
  expect(turnedAway).toMatchObject({ stopReason: 'capacity', completed: 0, remaining: 1 })
  gate.open()
  expect((await drained).completed).toBe(2)
  expect(gate.most).toBe(1)
})

test('a job that fills the whole system runs alone', async () => {
  const { gate, wait, cool } = waiting({ processUnits: 10_000 })
  const { jobs } = await setup({ cool })
  await jobs.insertMany([1, 2, 3].map(() => ({ task: wait, args: {} })))
  gate.open()
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(3)
  expect(gate.most).toBe(1)
})

test('a heavy job that does not fit is passed over by lighter ones, and runs when there is room', async () => {
  const finished: string[] = []
  const gate = new Gate()
  const lights = new Gate()
  const holder = task({ params: {}, processUnits: 8, run: () => gate.pass() })
  const heavy = task({
    params: {},
    processUnits: 5,
    run() {
      finished.push('heavy')
    },
  })
  const light = task({
    params: {},
    async run() {
      finished.push('light')
      if (finished.length === 2) gate.open()
      lights.open()
      await lights.pass()
    },
  })
  const { jobs } = await setup({ cool: { holder, heavy, light } }, { systemProcessUnits: 10 })
  await jobs.insert(holder, {}, { priority: 20 })
  await jobs.insert(heavy, {}, { priority: 10 })
  await jobs.insertMany([1, 2].map(() => ({ task: light, args: {} })))
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(report).toMatchObject({ stopReason: 'empty', completed: 4 })
  expect(finished).toEqual(['light', 'light', 'heavy'])
})

test('process units hold under any number of concurrent invocations', async () => {
  let units = 0
  let most = 0
  const weighing = (weight: number) =>
    task({
      params: {},
      processUnits: weight,
      async run() {
        units += weight
        most = Math.max(most, units)
        await moment()
        units -= weight
      },
    })
  const cool = { one: weighing(1), three: weighing(3), seven: weighing(7) }
  const { jobs } = await setup({ cool }, { systemProcessUnits: 10 })
  await jobs.insertMany(
    Array.from({ length: 60 }, (_, index) => ({ task: [cool.one, cool.three, cool.seven][index % 3]!, args: {} })),
  )
  const reports = await Promise.all([1, 2, 3, 4, 5].map(() => jobs.runUntilEmpty(deadlineIn())))
  await jobs.runUntilEmpty(deadlineIn())
  expect(most).toBeLessThanOrEqual(10)
  expect(most).toBeGreaterThan(7)
  expect(reports.reduce((sum, report) => sum + report.completed, 0)).toBeGreaterThan(0)
  expect((await jobs.status()).jobs).toMatchObject({ completed: 60, waiting: 0, running: 0 })
})

test('a process limit holds under any number of concurrent invocations', async () => {
  let running = 0
  let most = 0
  const limited = task({
    params: {},
    processLimit: 3,
    async run() {
      running += 1
      most = Math.max(most, running)
      await moment()
      running -= 1
    },
  })
  const { jobs } = await setup({ cool: { limited } })
  await jobs.insertMany(Array.from({ length: 40 }, () => ({ task: limited, args: {} })))
  await Promise.all([1, 2, 3, 4].map(() => jobs.runUntilEmpty(deadlineIn())))
  await jobs.runUntilEmpty(deadlineIn())
  expect(most).toBe(3)
  expect((await jobs.status()).jobs.completed).toBe(40)
})

test("jobs at their task's process limit are passed over by those of other tasks", async () => {
  const { gate, wait } = waiting({ processLimit: 1 })
  const ran: string[] = []
  const free = task({
    params: {},
    run() {
      ran.push('free')
      gate.open()
    },
  })
  const { jobs } = await setup({ cool: { wait, free } })
  await jobs.insertMany([1, 2, 3].map(() => ({ task: wait, args: {}, priority: 5 })))
  await jobs.insert(free, {})
  const report = await jobs.runUntilEmpty(deadlineIn(), { concurrency: 2 })
  expect(ran).toEqual(['free'])
  expect(report.completed).toBe(4)
  expect(gate.most).toBe(1)
})

test('a process limit counts the jobs on every system', async () => {
  const { gate, wait, cool } = waiting({ processLimit: 1 })
  const { jobs, database } = await setup({ cool }, { system: 'europe' })
  const america = await setup({ cool }, { database, deploy: false, system: 'america' })
  await jobs.insertMany([1, 2].map(() => ({ task: wait, args: {} })))
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  expect(await america.jobs.runUntilEmpty(deadlineIn())).toMatchObject({ stopReason: 'capacity', completed: 0 })
  gate.open()
  expect((await drained).completed).toBe(2)
})

test('each system in a database has units of its own', async () => {
  const { gate, wait, cool } = waiting({ processUnits: 10 })
  const { jobs, database } = await setup({ cool }, { system: 'europe', systemProcessUnits: 10 })
  const america = await setup({ cool }, { database, deploy: false, system: 'america', systemProcessUnits: 10 })
  await jobs.insertMany([1, 2].map(() => ({ task: wait, args: {} })))
  const drains = [jobs.runUntilEmpty(deadlineIn()), america.jobs.runUntilEmpty(deadlineIn())]
  await gate.holds(2)
  expect((await jobs.status()).systems).toEqual([
    { system: 'america', processUnits: 10, unitsInUse: 10, pausedAt: null },
    { system: 'europe', processUnits: 10, unitsInUse: 10, pausedAt: null },
  ])
  gate.open()
  expect((await Promise.all(drains)).map(({ completed }) => completed)).toEqual([1, 1])
})

test("a waiting job belongs to no system, and claiming it writes the claimer's", async () => {
  const { gate, wait, cool } = waiting({})
  const { jobs } = await setup({ cool }, { system: 'europe' })
  const job = await jobs.insert(wait, {})
  expect((await jobs.get(job.id))?.system).toBeNull()
  gate.open()
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.get(job.id))?.system).toBe('europe')
})

test('a killed invocation gives its units back by itself, once its lease is over', async () => {
  const { gate, wait, cool } = waiting({ processUnits: 10 })
  const { jobs, clock } = await setup({ cool }, { systemProcessUnits: 10 })
  await jobs.insert(wait, {})
  const killed = await jobs.runUntilEmpty(deadlineIn(400), { settleMs: 50 })
  expect(killed.abandoned).toBe(1)
  const light = await jobs.insert(wait, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ stopReason: 'capacity', completed: 0 })
  expect((await jobs.get(light.id))?.status).toBe('waiting')
  gate.open()
  await clock.advance({ minutes: 1 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(2)
})

test('the limits of a job are those of its task when it is claimed, not when it was inserted', async () => {
  const before = waiting({})
  const { jobs, database } = await setup({ cool: before.cool })
  await jobs.insertMany([1, 2, 3].map(() => ({ task: before.wait, args: {} })))
  const after = waiting({ processLimit: 1 })
  const changed = await setup({ cool: after.cool }, { database })
  after.gate.open()
  expect((await changed.jobs.runUntilEmpty(deadlineIn())).completed).toBe(3)
  expect(after.gate.most).toBe(1)
})
