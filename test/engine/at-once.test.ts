import { createJobMaster, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { driver } from '../support/drivers.ts'
import { setup } from '../support/jobs.ts'

const quick = task({ params: { n: v.number() }, run() {} })
const cool = { quick }
const many = (length: number) => Array.from({ length }, (_, n) => ({ task: quick, args: { n } }))
const atOnce = driver === 'pglite' ? 1 : 2

/** A database whose statements are counted while they are on their way, and where one of them can be made to fail. */
async function watched({ length, failing = 0, code = '22012' }: { length: number; failing?: number; code?: string }) {
  const { db, jobs, clock, sql } = await setup({ cool })
  await jobs.insertMany(many(length))
  const seen = { sent: 0, now: 0, most: 0 }
  const execute: typeof db.execute = (query) => {
    seen.sent += 1
    if (seen.sent === failing) return Promise.reject(Object.assign(new Error('no answer'), { code })) as never
    seen.now += 1
    seen.most = Math.max(seen.most, seen.now)
    return db.execute(query).then((result) => {
      seen.now -= 1
      return result
    }) as never
  }
  const told = new Proxy(db, {
    get: (target, key) => (key === 'execute' ? execute : Reflect.get(target, key)),
  })
  const drained = createJobMaster({ db: told, tasks: { cool } })
  const bare = createJobMaster({ db: { execute }, tasks: { cool } })
  return { drained, bare, seen, jobs, clock, sql }
}

test('short jobs run while the next claim is on its way, for one statement more', async () => {
  const { drained, seen } = await watched({ length: 1_050 })
  const report = await drained.runUntilEmpty(deadlineIn(), { batchSize: 150 })
  expect(report).toMatchObject({ completed: 1_050, stopReason: 'empty', remaining: 0 })
  expect(seen.most).toBe(atOnce)
  expect(report.statements).toBe(seen.sent)
  expect(seen.sent).toBeLessThanOrEqual(1_050 / 150 + atOnce)
})

test('a database that takes one statement after the other is sent no two', async () => {
  const { bare, seen } = await watched({ length: 1_050 })
  const report = await bare.runUntilEmpty(deadlineIn(), { batchSize: 150 })
  expect(report.completed).toBe(1_050)
  expect(seen).toMatchObject({ most: 1, sent: 1_050 / 150 + 1 })
})

test('a few jobs are not worth a second connection', async () => {
  const { drained, seen } = await watched({ length: 200 })
  expect((await drained.runUntilEmpty(deadlineIn())).completed).toBe(200)
  expect(seen.most).toBe(1)
})

test('a budget of statements is not exceeded by claims that are sent ahead', async () => {
  const { drained, seen, jobs } = await watched({ length: 1_500 })
  const report = await drained.runUntilEmpty(deadlineIn(), { batchSize: 150, statementBudget: 6 })
  expect(report).toMatchObject({ stopReason: 'budget', released: 0, abandoned: 0 })
  expect(report.completed + report.remaining).toBe(1_500)
  expect(seen.sent).toBeLessThanOrEqual(6)
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1_500 - report.completed)
})

test.each([3, 4, 5])(
  'a drain whose statement %d is refused says so, and what it held comes back by its lease',
  async (failing) => {
    const { drained, jobs, clock, sql } = await watched({ length: 450, failing })
    await expect(drained.runUntilEmpty(deadlineIn(), { batchSize: 100 })).rejects.toThrow('no answer')
    await clock.advance({ hours: 1 })
    const report = await jobs.runUntilEmpty(deadlineIn(60_000))
    expect(report.remaining).toBe(0)
    const [counted] = await sql(`select count(*)::integer as jobs from jobmaster.jobs where status = 'completed'`)
    expect(counted).toEqual({ jobs: 450 })
  },
)

test.each([3, 4, 5])('statement %d is sent again where its answer was lost', async (failing) => {
  const { drained } = await watched({ length: 1_050, failing, code: '08006' })
  const report = await drained.runUntilEmpty(deadlineIn(), { batchSize: 150 })
  expect(report).toMatchObject({ completed: 1_050, refused: 0, abandoned: 0, remaining: 0 })
})
