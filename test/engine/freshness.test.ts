import { dependsOn, NonRetriable, same, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

/** report needs source with a = 1 and its own b within so many hours; runs counts the runs of source. */
function windowed(rule: { withinHours?: number }, run: () => void = () => {}) {
  const runs = { count: 0 }
  const source = task({
    params: { a: v.number(), b: v.optional(v.string(), 'b'), note: v.optional(v.string(), '') },
    run() {
      runs.count += 1
      run()
    },
  })
  const report = task({
    params: { b: v.optional(v.string(), 'b') },
    dependencies: dependsOn(source, { ...rule, args: { a: 1, b: same } }),
    run() {},
  })
  return { runs, source, report, cool: { source, report } }
}

test('completed less than the window ago is fresh, and later is not', async () => {
  const { runs, report, cool } = windowed({ withinHours: 2 })
  const { jobs, clock } = await setup({ cool })
  await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ hours: 1, minutes: 59 })
  await jobs.insert(report, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, blocked: 0 })
  expect(runs.count).toBe(1)
  await clock.advance({ minutes: 1 })
  await jobs.insert(report, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 2, blocked: 1 })
  expect(runs.count).toBe(2)
})

test("freshness goes by the database's clock, whatever the invocation's says", async () => {
  const { runs, report, cool } = windowed({ withinHours: 2 })
  const { jobs, database } = await setup({ cool })
  await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  const now = () => Date.now() + 5 * 3_600_000
  const ahead = await setup({ cool }, { database, deploy: false, now })
  await jobs.insert(report, {})
  expect((await ahead.jobs.runUntilEmpty(new Date(now() + 15_000))).completed).toBe(1)
  expect(runs.count).toBe(1)
})

test('each given argument has to be equal, and the others do not matter', async () => {
  const { runs, source, report, cool } = windowed({ withinHours: 2 })
  const { jobs } = await setup({ cool })
  await jobs.insertMany([
    { task: source, args: { a: 2, b: 'x' } },
    { task: source, args: { a: 1, b: 'y', note: 'anything' } },
  ])
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.insert(report, { b: 'y' })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, blocked: 0 })
  await jobs.insert(report, { b: 'x' })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 2, blocked: 1 })
  expect(runs.count).toBe(3)
})

test('2 and 2.0 are equal, and so are objects whose keys are written in another order', async () => {
  const source = task({ params: { a: v.number(), place: v.object({ x: v.number(), y: v.number() }) }, run() {} })
  const report = task({
    params: { a: v.number(), place: v.object({ x: v.number(), y: v.number() }) },
    dependencies: dependsOn(source, { args: { a: same, place: same } }),
    run() {},
  })
  const { jobs, sql } = await setup({ cool: { source, report } })
  await sql(`call jobmaster.insert_job('cool', 'source', 0, '{"a": 2.0, "place": {"y": 1, "x": 3.00}}')`)
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.insert(report, { a: 2, place: { x: 3, y: 1 } })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, blocked: 0 })
})

test('text is equal where each character is', async () => {
  const { runs, source, report, cool } = windowed({ withinHours: 2 })
  const { jobs } = await setup({ cool })
  await jobs.insert(source, { a: 1, b: 'Åse' })
  await jobs.runUntilEmpty(deadlineIn())
  for (const b of ['Åse', 'åse', 'Åse ']) await jobs.insert(report, { b })
  await jobs.runUntilEmpty(deadlineIn())
  expect(runs.count).toBe(3)
})

test('only what completed is fresh, not what failed or was cancelled', async () => {
  let failing = true
  const { runs, source, report, cool } = windowed({ withinHours: 2 }, () => {
    if (failing) throw new NonRetriable('no')
  })
  const { jobs } = await setup({ cool })
  await jobs.insert(source, { a: 1 })
  await jobs.runUntilEmpty(deadlineIn())
  const unwanted = await jobs.insert(source, { a: 1 })
  await jobs.cancel(unwanted.id)
  failing = false
  await jobs.insert(report, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 2 })
  expect(runs.count).toBe(2)
})

test('a window of less than two minutes becomes two', async () => {
  const { runs, report, cool } = windowed({ withinHours: 1 / 3_600 })
  const { jobs, clock } = await setup({ cool })
  await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ seconds: 100 })
  await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(runs.count).toBe(1)
  await clock.advance({ seconds: 20 })
  await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(runs.count).toBe(2)
})

test.each([
  ['no window', {}],
  ['a window of more than 30 days', { withinHours: 24 * 365 }],
])('%s becomes 30 days', async (_, rule) => {
  const { runs, report, cool } = windowed(rule)
  const { jobs, clock } = await setup({ cool })
  await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ days: 29, hours: 23 })
  await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(runs.count).toBe(1)
  await clock.advance({ hours: 1 })
  await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(runs.count).toBe(2)
})

test.each([0, -1])('a window of %d hours is refused by deploy', async (withinHours) => {
  const { cool } = windowed({ withinHours })
  const { jobs } = await setup({ cool }, { deploy: false })
  await expect(jobs.deploy()).rejects.toMatchObject({
    code: 'JM014',
    message: expect.stringMatching(/cool\.report.*withinHours/s),
  })
})

test('pruning the history does not make a thing stale', async () => {
  const { runs, report, cool } = windowed({ withinHours: 2 })
  const { jobs } = await setup({ cool })
  await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.prune({ completed: '0 seconds' })).toBe(2)
  expect((await jobs.list()).jobs).toEqual([])
  await jobs.insert(report, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, blocked: 0 })
  expect(runs.count).toBe(1)
})

test('what completed since a job was blocked counts in its next look, even when the window is over by then', async () => {
  const runs = { fast: 0, slow: 0 }
  const fast = task({
    params: {},
    run() {
      runs.fast += 1
    },
  })
  const slow = task({
    params: {},
    processUnits: 5,
    run() {
      runs.slow += 1
    },
  })
  const both = task({ params: {}, dependencies: [dependsOn(fast, { withinHours: 1 }), dependsOn(slow)], run() {} })
  const cool = { fast, slow, both }
  const { jobs, clock, database } = await setup({ cool })
  const small = await setup({ cool }, { database, deploy: false, systemProcessUnits: 3 })
  const job = await jobs.insert(both, {})
  await small.jobs.runUntilEmpty(deadlineIn())
  expect(runs).toEqual({ fast: 1, slow: 0 })
  await clock.advance({ hours: 3 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(runs).toEqual({ fast: 1, slow: 1 })
  expect((await jobs.get(job.id))?.status).toBe('completed')
  await jobs.insert(both, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(runs).toEqual({ fast: 2, slow: 1 })
})

test('each of several windows on the same task is looked at by itself', async () => {
  let runs = 0
  const source = task({
    params: {},
    run() {
      runs += 1
    },
  })
  const hourly = task({ params: {}, dependencies: dependsOn(source, { withinHours: 1 }), run() {} })
  const daily = task({ params: {}, dependencies: dependsOn(source, { withinHours: 24 }), run() {} })
  const { jobs, clock } = await setup({ cool: { source, hourly, daily } })
  await jobs.insert(hourly, {})
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ hours: 5 })
  await jobs.insert(daily, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(runs).toBe(1)
  await jobs.insert(hourly, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(runs).toBe(2)
})
