import { sql } from 'drizzle-orm'
import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

const asks = task({
  params: { number: v.number() },
  run: async (_args, { db }) => {
    await (db as { execute(query: unknown): PromiseLike<unknown> }).execute(sql`select 1`)
  },
})

const hundred = Array.from({ length: 100 }, (_, number) => ({ task: asks, args: { number } }))

test("with statementsPerJob a drain leaves room in its budget for its handlers' statements, and the next goes on", async () => {
  const { jobs, statements } = await setup({ work: { asks } })
  await jobs.insertMany(hundred)

  let left = 100
  for (let drains = 1; left > 0; drains += 1) {
    expect(drains).toBeLessThan(6)
    statements.reset()
    const report = await jobs.runUntilEmpty(deadlineIn(), { statementBudget: 50, statementsPerJob: 1 })
    left -= report.completed
    expect(statements.count).toBeLessThanOrEqual(50)
    expect(report).toMatchObject({ stopReason: left > 0 ? 'budget' : 'empty', remaining: left, failed: 0, retried: 0 })
  }
})

test('a budget that has no room for a job beside the last statement starts none', async () => {
  const { jobs } = await setup({ work: { asks } })
  await jobs.insertMany(hundred.slice(0, 2))
  const report = await jobs.runUntilEmpty(deadlineIn(), { statementBudget: 4, statementsPerJob: 3 })
  expect(report).toMatchObject({ stopReason: 'budget', completed: 0, remaining: 2 })
})

test('half a statement a job is refused', async () => {
  const { jobs } = await setup({ work: { asks } })
  await expect(jobs.runUntilEmpty(deadlineIn(), { statementsPerJob: 0.5 })).rejects.toThrow(
    'statementsPerJob must be a whole number from 0, got 0.5',
  )
})
