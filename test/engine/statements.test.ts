import { createJobMaster, dependsOn, task } from 'jobmaster'
import * as v from 'valibot'
import { afterAll, expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { driver } from '../support/drivers.ts'
import { setup } from '../support/jobs.ts'

/** The table of what was counted, printed once. */
const counted: { work: string; budget: string; statements: number | string }[] = []
afterAll(() => {
  const cells = [{ work: 'work', budget: 'budget', statements: driver as string }, ...counted]
  const width = Math.max(...cells.map(({ work }) => work.length))
  const line = ({ work, budget, statements }: (typeof cells)[number]) =>
    `| ${work.padEnd(width)} | ${budget.padEnd(14)} | ${String(statements).padStart(14)} |`
  console.log(cells.map(line).join('\n'))
})

const quick = task({ params: { n: v.optional(v.number(), 0) }, run() {} })
const awaiting = task({
  params: { n: v.number() },
  async run() {
    await Promise.resolve()
  },
})
const cool = { quick, awaiting }
const many = (count: number) => Array.from({ length: count }, (_, n) => ({ task: quick, args: { n } }))

test('an idle tick is one statement, the cold start included', async () => {
  const { database, statements } = await setup({ cool })
  const cold = createJobMaster({ db: database.db, tasks: { cool } })
  const report = await cold.runUntilEmpty(deadlineIn())
  counted.push({ work: 'idle tick, cold start included', budget: '1', statements: statements.count })
  expect(statements.count).toBe(1)
  expect(report).toMatchObject({ statements: 1, stopReason: 'empty' })
})

test('an idle tick is one statement when there are jobs set for later', async () => {
  const { jobs, statements } = await setup({ cool })
  await jobs.insert(quick, {}, { runAt: new Date(Date.now() + 3_600_000) })
  statements.reset()
  await jobs.runUntilEmpty(deadlineIn())
  expect(statements.count).toBe(1)
})

test.each([
  [200, 50],
  [205, 50],
  [1, 50],
  [50, 50],
])('%d short jobs in batches of %d take a statement for each batch and one more', async (length, batchSize) => {
  const { jobs, statements } = await setup({ cool })
  await jobs.insertMany(many(length))
  statements.reset()
  const report = await jobs.runUntilEmpty(deadlineIn(), { batchSize })
  const budget = Math.ceil(length / batchSize) + 1
  counted.push({
    work: `drain of ${length} short jobs, batches of ${batchSize}`,
    budget: `⌈n / b⌉ + 1 = ${budget}`,
    statements: statements.count,
  })
  expect(report.completed).toBe(length)
  expect(statements.count).toBe(budget)
  expect(report.statements).toBe(budget)
})

test('it is the same with handlers that await, and with failures among them', async () => {
  const failing = task({
    params: { n: v.number() },
    async run({ n }) {
      await Promise.resolve()
      if (n % 5 === 0) throw new Error('no')
    },
  })
  const { jobs, statements } = await setup({ cool: { failing } })
  await jobs.insertMany(Array.from({ length: 100 }, (_, n) => ({ task: failing, args: { n } })))
  statements.reset()
  const report = await jobs.runUntilEmpty(deadlineIn(), { batchSize: 25, concurrency: 25 })
  expect(report).toMatchObject({ completed: 80, retried: 20 })
  expect(statements.count).toBe(5)
})

test('inserting one job is one statement', async () => {
  const { jobs, statements } = await setup({ cool })
  await jobs.insert(quick, { n: 1 })
  counted.push({ work: 'insert one', budget: '1', statements: statements.count })
  expect(statements.count).toBe(1)
})

test('inserting 1,000 jobs is one statement, and inserting none is none', async () => {
  const { jobs, statements } = await setup({ cool })
  const inserted = await jobs.insertMany(many(1_000))
  counted.push({ work: 'insert 1,000', budget: '1', statements: statements.count })
  expect(inserted.map(({ args }) => args['n'])).toEqual(many(1_000).map(({ args }) => args.n))
  expect(statements.count).toBe(1)
  await jobs.insertMany([])
  expect(statements.count).toBe(1)
})

test('a job with fresh dependencies takes no statement more', async () => {
  const sources = Object.fromEntries(
    Array.from({ length: 5 }, (_, index) => [`source${index}`, task({ params: {}, run() {} })]),
  )
  const report = task({ params: {}, dependencies: Object.values(sources).map((source) => dependsOn(source)), run() {} })
  const { jobs, statements } = await setup({ cool: { ...sources, report } })
  await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.insert(report, {})
  statements.reset()
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, blocked: 0 })
  counted.push({
    work: 'drain of a job with 5 fresh dependencies',
    budget: '2, no extra',
    statements: statements.count,
  })
  expect(statements.count).toBe(2)
})

test('get, list, status, explain, metrics and prune are a statement each', async () => {
  const { jobs, statements } = await setup({ cool })
  const { id } = await jobs.insert(quick, {})
  statements.reset()
  await jobs.get(id)
  await jobs.list()
  await jobs.status()
  await jobs.explain(id)
  await jobs.metrics()
  await jobs.prune({ completed: '1 day' })
  expect(statements.count).toBe(6)
})

test('createJobMaster opens nothing and asks nothing', async () => {
  const { database, statements } = await setup({ cool })
  createJobMaster({ db: database.db, tasks: { cool } })
  await new Promise((resolve) => setTimeout(resolve, 20))
  counted.push({ work: 'createJobMaster', budget: '0', statements: statements.count })
  expect(statements.count).toBe(0)
})

test('a budget of statements is kept, with what ran settled', async () => {
  const { jobs, statements } = await setup({ cool })
  await jobs.insertMany(many(60))
  statements.reset()
  const report = await jobs.runUntilEmpty(deadlineIn(), { batchSize: 10, statementBudget: 4 })
  expect(statements.count).toBeLessThanOrEqual(4)
  expect(report).toMatchObject({ stopReason: 'budget', completed: 30, remaining: 30 })
  expect((await jobs.status()).jobs).toMatchObject({ completed: 30, waiting: 30, running: 0 })
})
