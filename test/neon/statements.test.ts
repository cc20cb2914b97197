import { createJobMaster, dependsOn, same, task } from 'jobmaster'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { setup } from '../support/jobs.ts'
import { modes, openNeon } from './open.ts'

const foo = task({ params: { a: v.number() }, run: ({ a }) => ({ a }) })
const bar = task({
  params: { a: v.number() },
  dependencies: dependsOn(foo, { withinHours: 2, args: { a: same } }),
  run: () => ({}),
})
const cool = { foo, bar }
const soon = () => new Date(Date.now() + 15_000)
const many = (count: number) => Array.from({ length: count }, (_, a) => ({ task: foo, args: { a } }))

// Counted at the server: over neon-http each is a request, and platforms count requests.
describe.each(modes)('over %s', (mode) => {
  test('an idle tick is one statement, cold start included', async () => {
    const { database, statements } = await setup({ cool }, { database: await openNeon(mode) })
    const { db } = database
    const cold = createJobMaster({ db, tasks: { cool: { ...cool } } })
    const report = await cold.runUntilEmpty(soon())
    expect(statements.texts).toEqual([expect.stringContaining('settle_and_claim')])
    expect(report).toMatchObject({ stopReason: 'empty', statements: 1 })
  })

  test('inserting one job is one statement, and so is inserting 1,000', async () => {
    const { jobs, statements } = await setup({ cool }, { database: await openNeon(mode) })
    await jobs.insert(foo, { a: 1 })
    expect(statements.count).toBe(1)
    await jobs.insertMany(many(1_000))
    expect(statements.count).toBe(2)
  })

  test.each([
    [1, 100],
    [100, 100],
    [101, 100],
    [500, 50],
  ])('a drain of %i short jobs in batches of %i is a statement a batch, and one more', async (count, batchSize) => {
    const { jobs, statements } = await setup({ cool }, { database: await openNeon(mode) })
    await jobs.insertMany(many(count))
    statements.reset()
    const report = await jobs.runUntilEmpty(soon(), { batchSize, concurrency: 100 })
    expect(report).toMatchObject({ completed: count, stopReason: 'empty' })
    expect(statements.count).toBe(Math.ceil(count / batchSize) + 1)
    expect(report.statements).toBe(statements.count)
  })

  test('with two statements on their way a drain of 500 short jobs in batches of 100 takes at most one more', async () => {
    const { jobs, statements } = await setup({ cool }, { database: await openNeon(mode) })
    await jobs.insertMany(many(500))
    statements.reset()
    const report = await jobs.runUntilEmpty(soon(), { batchSize: 100, concurrency: 100 })
    expect(report).toMatchObject({ completed: 500, stopReason: 'empty' })
    expect(statements.count - (500 / 100 + 1)).toBeOneOf([0, 1])
    expect(report.statements).toBe(statements.count)
  })

  test('a fresh dependency costs no statement', async () => {
    const { jobs, statements } = await setup({ cool }, { database: await openNeon(mode) })
    await jobs.insert(foo, { a: 1 })
    await jobs.runUntilEmpty(soon())
    await jobs.insert(bar, { a: 1 })
    statements.reset()
    expect(await jobs.runUntilEmpty(soon())).toMatchObject({ completed: 1 })
    expect(statements.count).toBe(2)
  })
})
