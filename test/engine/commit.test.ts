import { sql } from 'drizzle-orm'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { type Context, dependsOn, type JobMaster, NonRetriable, same, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { driver, type Database } from '../support/drivers.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'
import type { Sql } from '../support/sql.ts'

const receipts = pgTable('receipts', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  n: integer(),
  by: text(),
})
const n = v.number()

/** The application's own database, as its handlers see it. */
const own = (ctx: Context) => ctx.db as Database
const receipt = (ctx: Context, values: { n: number; by?: string }) => own(ctx).insert(receipts).values(values)

/** A task `pay` in a database with a table for its receipts. */
async function paying(run: (args: { n: number }, ctx: Context) => Promise<string | void>) {
  const pay = task({ params: { n }, run })
  const tasks = { shop: { pay } }
  const made = await setup(tasks)
  await made.sql(
    'create table receipts (id integer primary key generated always as identity, n integer unique, by text)',
  )
  return { ...made, pay, tasks }
}

const receiptsIn = (beside: Sql) => beside('select n, by from receipts order by n')

test('what a handler commits is written together with the completion of its job', async () => {
  const seen: unknown[] = []
  const {
    jobs,
    sql: beside,
    pay,
  } = await paying(async ({ n }, ctx) => {
    await ctx.commit(receipt(ctx, { n, by: 'builder' }), sql`insert into receipts (n, by) values (${n + 1}, 'raw')`)
    seen.push(await beside`select status from jobmaster.jobs where id = ${ctx.job.id}`, await receiptsIn(beside))
    return 'paid'
  })
  const job = await jobs.insert(pay, { n: 1 })
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(seen).toEqual([
    [{ status: 'completed' }],
    [
      { n: 1, by: 'builder' },
      { n: 2, by: 'raw' },
    ],
  ])
  expect(report).toMatchObject({ completed: 1, refused: 0, retried: 0 })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'completed', attempt: 1, failures: 0, result: 'paid' })
})

test('every kind of Drizzle query can be committed', async () => {
  const {
    jobs,
    sql: beside,
    pay,
  } = await paying(async ({ n }, ctx) => {
    const db = own(ctx)
    await ctx.commit(
      db.insert(receipts).values([{ n }, { n: n + 1 }]),
      db
        .update(receipts)
        .set({ by: 'update' })
        .where(sql`n = ${n}`),
      db.delete(receipts).where(sql`n = ${n + 1}`),
      db.select().from(receipts),
      db.execute(sql`insert into receipts (n, by) values (9, 'execute')`),
    )
  })
  await jobs.insert(pay, { n: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  expect(await receiptsIn(beside)).toEqual([
    { n: 1, by: 'update' },
    { n: 9, by: 'execute' },
  ])
})

test('where a committed query fails nothing is written, and the job is tried again', async () => {
  const {
    jobs,
    sql: beside,
    pay,
    clock,
  } = await paying(async ({ n }, ctx) => {
    if (ctx.job.attempt === 1) await ctx.commit(receipt(ctx, { n }), sql`select 1 / 0`)
    else await ctx.commit(receipt(ctx, { n, by: 'second' }))
  })
  const job = await jobs.insert(pay, { n: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, retried: 1 })
  expect(await receiptsIn(beside)).toEqual([])
  expect((await jobs.get(job.id))?.error?.message).toContain('division by zero')
  await clock.advance({ minutes: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  expect(await receiptsIn(beside)).toEqual([{ n: 1, by: 'second' }])
})

test('the next job can be inserted by the commit, and only by it', async () => {
  const after = task({ params: { n }, run: () => {} })
  const pay = task({
    params: { n },
    async run({ n }, ctx) {
      await ctx.commit(ctx.insertQuery('shop.after', { n }, { priority: 3 }))
    },
  })
  const refused = task({
    params: { n },
    async run({ n }, ctx) {
      await ctx.commit(ctx.insertQuery('shop.after', { n }), sql`select 1 / 0`)
    },
  })
  const { jobs } = await setup({ shop: { after, pay, refused } })
  await jobs.insertMany([
    { task: pay, args: { n: 1 } },
    { task: refused, args: { n: 2 } },
  ])
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.list({ task: 'shop.after' })).jobs).toMatchObject([
    { args: { n: 1 }, priority: 3, status: 'completed' },
  ])
})

test('a second commit raises, and writes nothing', async () => {
  const errors: unknown[] = []
  const {
    jobs,
    sql: beside,
    pay,
  } = await paying(async ({ n }, ctx) => {
    await ctx.commit(receipt(ctx, { n }))
    await ctx.commit(receipt(ctx, { n: n + 1 })).catch((error: unknown) => errors.push(error))
  })
  const job = await jobs.insert(pay, { n: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  expect(errors).toMatchObject([
    { code: 'JM016', message: `attempt 1 of job #${job.id} cannot commit: it has completed, and a job completes once` },
  ])
  expect(await receiptsIn(beside)).toEqual([{ n: 1, by: null }])
})

test('of two commits at once one is written', async () => {
  const {
    jobs,
    sql: beside,
    pay,
  } = await paying(async ({ n }, ctx) => {
    const ends = await Promise.allSettled([1, 2].map((k) => ctx.commit(receipt(ctx, { n: n * 10 + k }))))
    return ends
      .map(({ status }) => status)
      .toSorted()
      .join()
  })
  await jobs.insert(pay, { n: 1 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  expect((await jobs.list()).jobs).toMatchObject([{ result: 'fulfilled,rejected' }])
  expect(await receiptsIn(beside)).toHaveLength(1)
})

test.each([
  ['an error', new Error('too late')],
  ['a NonRetriable', new NonRetriable('too late')],
])('after its commit a job has completed, though its handler throws %s', async (_, error) => {
  const {
    jobs,
    sql: beside,
    pay,
  } = await paying(async ({ n }, ctx) => {
    await ctx.commit(receipt(ctx, { n }))
    throw error
  })
  const job = await jobs.insert(pay, { n: 1 })
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(report).toMatchObject({ completed: 1, failed: 0, retried: 0 })
  expect(report.jobs).toMatchObject([{ status: 'completed', error: { message: 'too late' } }])
  expect(await jobs.get(job.id)).toMatchObject({ status: 'completed', failures: 0, error: null })
  expect(await receiptsIn(beside)).toHaveLength(1)
})

test('a job that was asked to stop may still commit, and has then completed', async () => {
  const gate = new Gate()
  const {
    jobs,
    sql: beside,
    pay,
    database,
    tasks,
  } = await paying(async ({ n }, ctx) => {
    await gate.pass()
    await ctx.commit(receipt(ctx, { n }))
  })
  const job = await jobs.insert(pay, { n: 1 })
  const draining = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  const { jobs: others } = await setup(tasks, { database, deploy: false })
  await others.cancel(job.id)
  gate.open()
  expect(await draining).toMatchObject({ completed: 1, cancelled: 0 })
  expect(await receiptsIn(beside)).toHaveLength(1)
})

test('after the deadline a handler may still commit while the lease is its own', async () => {
  const {
    jobs,
    sql: beside,
    pay,
  } = await paying(async ({ n }, ctx) => {
    await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
    await ctx.commit(receipt(ctx, { n }))
    ctx.signal.throwIfAborted()
  })
  const job = await jobs.insert(pay, { n: 1 })
  const report = await jobs.runUntilEmpty(deadlineIn(400))
  expect(report).toMatchObject({ stopReason: 'deadline', completed: 1, released: 0 })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'completed' })
  expect(await receiptsIn(beside)).toHaveLength(1)
})

test('an attempt whose lease was taken back cannot commit: the one that has the job does, once', async () => {
  const [first, second] = [new Gate(), new Gate()]
  const errors: unknown[] = []
  const {
    jobs,
    sql: beside,
    pay,
    database,
    tasks,
    clock,
  } = await paying(async ({ n }, ctx) => {
    await (ctx.job.attempt === 1 ? first : second).pass()
    const by = `attempt ${ctx.job.attempt}`
    await ctx.commit(receipt(ctx, { n, by })).catch((error: unknown) => {
      errors.push(error)
      throw error
    })
  })
  const job = await jobs.insert(pay, { n: 1 })
  // With a free slot it would look for more, and might take its own job back.
  const early = jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  await first.holds(1)
  await clock.advance({ minutes: 5 })
  const { jobs: others } = await setup(tasks, { database, deploy: false })
  const late = others.runUntilEmpty(deadlineIn())
  await second.holds(1)
  first.open()
  expect(await early).toMatchObject({ completed: 0, refused: 1 })
  expect(errors).toMatchObject([
    { code: 'JM016', message: `attempt 1 of job #${job.id} cannot commit: the job is running, at attempt 2` },
  ])
  expect(await receiptsIn(beside)).toEqual([])
  second.open()
  expect(await late).toMatchObject({ completed: 1 })
  expect(await receiptsIn(beside)).toEqual([{ n: 1, by: 'attempt 2' }])
})

test('a commit makes its job fresh and wakes what waits for it', async () => {
  const foo = task({
    params: { n },
    async run(_, ctx) {
      await ctx.commit()
    },
  })
  const bar = task({ params: { n }, dependencies: dependsOn(foo, { args: { n: same } }), run: () => {} })
  const { jobs } = await setup({ cool: { foo, bar } })
  await jobs.insertMany([
    { task: bar, args: { n: 1 } },
    { task: bar, args: { n: 1 } },
  ])
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 3, failed: 0 })
  expect((await jobs.list({ task: 'cool.foo' })).jobs).toHaveLength(1)
  await jobs.insert(bar, { n: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, blocked: 0 })
})

test('jobs that commit and jobs that do not are settled in one batch, each with its result', async () => {
  const { jobs, pay } = await paying(async ({ n }, ctx) => {
    if (n % 2 === 0) await ctx.commit(receipt(ctx, { n }))
    if (n % 3 === 0) throw new NonRetriable('three')
    return `paid ${n}`
  })
  const inserted = await jobs.insertMany([1, 2, 3, 4, 5, 6].map((n) => ({ task: pay, args: { n } })))
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 5, failed: 1, refused: 0 })
  const ends = await Promise.all(inserted.map(({ id }) => jobs.get(id)))
  expect(ends.map((job) => [job?.status, job?.result])).toEqual([
    ['completed', 'paid 1'],
    ['completed', 'paid 2'],
    ['failed', null],
    ['completed', 'paid 4'],
    ['completed', 'paid 5'],
    ['completed', null],
  ])
})

test('a commit counts as one of the statements of its drain', async () => {
  const { jobs, pay, statements } = await paying((_, ctx) => ctx.commit())
  await jobs.insert(pay, { n: 1 })
  statements.reset()
  const report = await jobs.runUntilEmpty(deadlineIn())
  const calls = statements.texts.filter((text) => text.includes('settle_and_claim'))
  expect([report.completed, report.statements - calls.length]).toEqual([1, 1])
})

test.each<[string, (ctx: Context) => unknown]>([
  ['a query that was awaited', () => [{ n: 1 }]],
  ['a promise', () => Promise.resolve([])],
  ['a text', () => 'insert into receipts default values'],
  ['nothing', () => undefined],
])('%s is refused by a commit, saying what it takes', async (_, query) => {
  const {
    jobs,
    sql: beside,
    pay,
  } = await paying((_args, ctx) => ctx.commit(receipt(ctx, { n: 1 }), query(ctx) as Parameters<Context['commit']>[0]))
  const job = await jobs.insert(pay, { n: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ retried: 1 })
  expect((await jobs.get(job.id))?.error?.message).toBe(
    'shop.pay: ctx.commit takes Drizzle queries, and number 2 is none: give db.insert(…).values(…) or sql`…` without await',
  )
  expect(await receiptsIn(beside)).toEqual([])
})

test('a commit by SQL is refused for a job that does not run under that attempt and invocation', async () => {
  const { jobs, sql: beside, pay } = await paying(async () => {})
  const { id } = await jobs.insert(pay, { n: 1 })
  const nobody = '00000000-0000-4000-8000-000000000000'
  const codes = async (call: Promise<unknown>) => expect(call).rejects.toMatchObject({ code: 'JM016' })
  for (const name of ['fence', 'complete']) {
    await codes(beside(`select jobmaster.${name}(${id}, 0, '${nobody}')`))
    await codes(beside(`select jobmaster.${name}(${id + 1}, 1, '${nobody}')`))
  }
  await jobs.runUntilEmpty(deadlineIn())
  await codes(beside(`select jobmaster.complete(${id}, 1, '${nobody}')`))
})

/** neon-http has batches instead: see insert.test.ts for an insert in one. */
const transactions = driver !== 'neon-http'
const noTransactions = 'No transactions support in neon-http driver'

const inserts: [string, (jobs: JobMaster, tx: Database) => Promise<unknown>][] = [
  ['insert', (jobs, tx) => jobs.insert('shop.pay', { n: 1 }, { tx })],
  ['insertMany', (jobs, tx) => jobs.insertMany([{ task: 'shop.pay', args: { n: 1 } }], { tx })],
]

test.each(inserts)('%s with { tx } is done when that transaction commits, and not when it fails', async (_, insert) => {
  const { jobs, db, sql: beside } = await paying(async () => {})
  const failing = db.transaction(async (tx) => {
    await tx.insert(receipts).values({ n: 1 })
    await insert(jobs, tx)
    throw new Error('the application changed its mind')
  })
  await expect(failing).rejects.toThrow(transactions ? 'changed its mind' : noTransactions)
  expect([await receiptsIn(beside), (await jobs.list()).jobs]).toEqual([[], []])
  if (!transactions) return
  await db.transaction(async (tx) => {
    await tx.insert(receipts).values({ n: 1 })
    await insert(jobs, tx)
  })
  expect(await receiptsIn(beside)).toHaveLength(1)
  expect((await jobs.list()).jobs).toMatchObject([{ task: 'shop.pay', status: 'waiting' }])
})

test('a job that the database refuses makes the transaction that it is inserted in fail', async () => {
  const { jobs, db, sql: beside } = await paying(async () => {})
  const refused = db.transaction(async (tx) => {
    await tx.insert(receipts).values({ n: 1 })
    await jobs.insert('shop.pay', { n: 'one' }, { tx })
  })
  await expect(refused).rejects.toMatchObject(transactions ? { code: 'JM004' } : { message: noTransactions })
  expect(await receiptsIn(beside)).toEqual([])
})

test('what is no transaction is refused by name', async () => {
  const { jobs, pay } = await paying(async () => {})
  await expect(jobs.insert(pay, { n: 1 }, { tx: {} as Database })).rejects.toMatchObject({
    code: 'JM008',
    message: 'tx must be a Drizzle transaction, as db.transaction(…) gives it',
  })
})

test('in a transaction, a database without JobMaster is not deployed to: the error says what to run', async () => {
  const pay = task({ params: { n }, run: () => {} })
  const { jobs, db } = await setup({ shop: { pay } }, { deploy: false })
  const insert = db.transaction(async (tx) => void (await jobs.insert(pay, { n: 1 }, { tx })))
  const refusal = { code: 'JM010', message: expect.stringContaining('jobmaster deploy') }
  await expect(insert).rejects.toMatchObject(transactions ? refusal : { message: noTransactions })
})
