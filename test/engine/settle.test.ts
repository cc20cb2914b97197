import { dependsOn, NonRetriable, RetryAfter, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { around } from '../support/around.ts'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

/** What a driver throws when the connection breaks. */
const brokenConnection = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })

/** A tally of the runs of each job, and a task whose jobs keep their number as result. */
function counting() {
  const runs = new Map<number, number>()
  const count = task({
    params: { n: v.number() },
    run({ n }) {
      runs.set(n, (runs.get(n) ?? 0) + 1)
      return n
    },
  })
  return { runs, count, cool: { count } }
}

/** A second instance in the database, the answers to some of whose statements are lost after they were executed. */
async function losing<T extends Record<string, object>>(tasks: T, lost: (statement: number) => boolean) {
  const first = await setup(tasks)
  let statement = 0
  const database = around(first.database, async (execute) => {
    statement += 1
    const loses = lost(statement)
    const answer = await execute()
    if (loses) throw brokenConnection()
    return answer
  })
  const { jobs } = await setup(tasks, { database, deploy: false })
  return { ...first, unreliable: jobs }
}

const twelve = Array.from({ length: 12 }, (_, index) => index + 1)

test.each([
  ['first', 1],
  ['second', 2],
  ['last', 4],
])('where the answer to the %s call is lost, each job runs once, and none is lost', async (_, number) => {
  const { runs, count, cool } = counting()
  const { jobs, unreliable } = await losing({ cool }, (statement) => statement === number)
  await jobs.insertMany(twelve.map((n) => ({ task: count, args: { n } })))
  const report = await unreliable.runUntilEmpty(deadlineIn(), { batchSize: 4 })
  expect(report).toMatchObject({ completed: 12, refused: 0, stopReason: 'empty', statements: 5 })
  expect([...runs]).toEqual(twelve.map((n) => [n, 1]))
  const done = (await jobs.list({ status: 'completed' })).jobs
  expect(done.map(({ result }) => result).toSorted((a, b) => Number(a) - Number(b))).toEqual(twelve)
  expect(new Set(done.map(({ attempt }) => attempt))).toEqual(new Set([1]))
})

test('where every answer is lost once, all is done once', async () => {
  const { runs, count } = counting()
  const fail = task({
    params: { n: v.number() },
    run() {
      throw new NonRetriable('no')
    },
  })
  const again = task({
    params: { n: v.number() },
    run() {
      // A back-off of its own choice might be over before the drain is.
      throw new RetryAfter(600_000)
    },
  })
  const after = task({ params: { n: v.number() }, dependencies: dependsOn(count, { args: { n: 1 } }), run() {} })
  const cool = { count, fail, again, after }
  const { jobs, unreliable } = await losing({ cool }, (statement) => statement % 2 === 1)
  await jobs.insertMany(twelve.flatMap((n) => [count, fail, again].map((one) => ({ task: one, args: { n } }))))
  await jobs.insert(after, { n: 1 }, { priority: 5 })
  const report = await unreliable.runUntilEmpty(deadlineIn(), { batchSize: 5 })
  expect(report).toMatchObject({ completed: 13, failed: 12, retried: 12, refused: 0 })
  expect([...runs.values()]).toEqual(twelve.map(() => 1))
  expect((await jobs.status()).jobs).toMatchObject({ completed: 13, failed: 12, scheduled: 12, running: 0, waiting: 0 })
  const backingOff = (await jobs.list({ status: 'scheduled' })).jobs
  expect(backingOff.map(({ failures, attempt }) => ({ failures, attempt }))).toEqual(
    twelve.map(() => ({ failures: 1, attempt: 1 })),
  )
})

test('a call that never reached the database is sent again', async () => {
  const { runs, count, cool } = counting()
  const first = await setup({ cool })
  let sent = 0
  const database = around(first.database, (execute) => {
    sent += 1
    return sent === 2 ? Promise.reject(brokenConnection()) : execute()
  })
  const { jobs } = await setup({ cool }, { database, deploy: false })
  await first.jobs.insertMany(twelve.map((n) => ({ task: count, args: { n } })))
  expect(await jobs.runUntilEmpty(deadlineIn(), { batchSize: 6 })).toMatchObject({ completed: 12, refused: 0 })
  expect(runs.size).toBe(12)
})

test('a repeated call gets its own jobs, and not those that came meanwhile', async () => {
  const { runs, count, cool } = counting()
  const first = await setup({ cool })
  let sent = 0
  const database = around(first.database, async (execute) => {
    sent += 1
    const answer = await execute()
    if (sent > 1) return answer
    await first.jobs.insert(count, { n: 99 }, { priority: 50 })
    throw brokenConnection()
  })
  const { jobs } = await setup({ cool }, { database, deploy: false })
  await first.jobs.insert(count, { n: 1 })
  await jobs.runUntilEmpty(deadlineIn())
  expect([...runs]).toEqual([
    [1, 1],
    [99, 1],
  ])
})

test('a database that stays away ends the drain with an error, and what it held comes back by its lease', async () => {
  const { count, cool } = counting()
  const first = await setup({ cool })
  let sent = 0
  const database = around(first.database, (execute) => {
    sent += 1
    return sent > 1 ? Promise.reject(brokenConnection()) : execute()
  })
  const { jobs } = await setup({ cool }, { database, deploy: false })
  const job = await first.jobs.insert(count, { n: 1 })
  await expect(jobs.runUntilEmpty(deadlineIn())).rejects.toMatchObject({
    name: 'JobMasterError',
    code: expect.stringMatching(/^08/),
    message: expect.stringContaining('cannot be reached'),
  })
  expect((await first.jobs.get(job.id))?.status).toBe('running')
  await first.clock.advance({ minutes: 2 })
  expect(await first.jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
})

test('an error that no second try mends is thrown at once', async () => {
  const { count, cool } = counting()
  const first = await setup({ cool })
  let sent = 0
  const database = around(first.database, () => {
    sent += 1
    return Promise.reject(Object.assign(new Error('permission denied for schema jobmaster'), { code: '42501' }))
  })
  const { jobs } = await setup({ cool }, { database, deploy: false })
  await first.jobs.insert(count, { n: 1 })
  await expect(jobs.runUntilEmpty(deadlineIn())).rejects.toMatchObject({ code: '42501' })
  expect(sent).toBe(1)
})

test('an invocation that is sent away by a deadlock tries again', async () => {
  const { count, cool } = counting()
  const first = await setup({ cool })
  let sent = 0
  const database = around(first.database, (execute) => {
    sent += 1
    return sent === 2 ? Promise.reject(Object.assign(new Error('deadlock detected'), { code: '40P01' })) : execute()
  })
  const { jobs } = await setup({ cool }, { database, deploy: false })
  await first.jobs.insert(count, { n: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, statements: 3 })
})
