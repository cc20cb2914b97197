import { sql, type SQL } from 'drizzle-orm'
import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { driver, type Database } from '../support/drivers.ts'
import { setup } from '../support/jobs.ts'

const foo = task({ params: { n: v.number() }, run: ({ n }) => n * 2 })
const cool = { foo }

/** As an application has them done all or none: neon-http has batches, the others have transactions. */
async function together(db: Database, queries: SQL[]): Promise<void> {
  if (driver === 'neon-http') {
    const batching = db as unknown as { batch(queries: unknown[]): Promise<unknown> }
    await batching.batch(queries.map((query) => db.execute(query)))
  } else {
    await db.transaction(async (transaction) => {
      for (const query of queries) await transaction.execute(query)
    })
  }
}

test("a job is inserted in an application's own transaction, with the application's rows", async () => {
  const { jobs, db, sql: beside } = await setup({ cool })
  await beside('create table orders (id integer)')
  await together(db, [sql`insert into orders values (7)`, jobs.insertQuery(foo, { n: 21 }, { priority: 3 })])
  expect(await beside('select id from orders')).toEqual([{ id: 7 }])
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.list()).jobs).toMatchObject([{ task: 'cool.foo', priority: 3, args: { n: 21 }, result: 42 }])
})

test('where that transaction fails there is no job', async () => {
  const { jobs, db } = await setup({ cool })
  await expect(together(db, [jobs.insertQuery(foo, { n: 1 }), sql`select 1 / 0`])).rejects.toThrow()
  expect((await jobs.list()).jobs).toEqual([])
})

test('where the job is refused the application has written nothing', async () => {
  const { jobs, db, sql: beside } = await setup({ cool })
  await beside('create table orders (id integer)')
  const refused = jobs.insertQuery('cool.foo', { n: 'not a number' })
  await expect(together(db, [sql`insert into orders values (7)`, refused])).rejects.toThrow()
  expect(await beside('select id from orders')).toEqual([])
})

test('many jobs are inserted all or none, in the order given', async () => {
  const { jobs } = await setup({ cool })
  const good = [3, 1, 2].map((n) => ({ task: foo, args: { n } }))
  expect((await jobs.insertMany(good)).map(({ args }) => args['n'])).toEqual([3, 1, 2])
  const bad = [...good, { task: 'cool.foo', args: { n: 'x' } }]
  await expect(jobs.insertMany(bad)).rejects.toMatchObject({ code: 'JM004' })
  expect((await jobs.list()).jobs).toHaveLength(3)
})

test('a job set for later is scheduled, and run when it is due', async () => {
  const { jobs, clock } = await setup({ cool })
  const runAt = new Date(Date.now() + 3_600_000)
  const job = await jobs.insert(foo, { n: 1 }, { runAt })
  expect(job).toMatchObject({ status: 'scheduled', runAt })
  const early = await jobs.runUntilEmpty(deadlineIn())
  expect(early).toMatchObject({ completed: 0, stopReason: 'empty' })
  expect(Math.abs(early.nextWakeAt!.getTime() - runAt.getTime())).toBeLessThan(2_000)
  await clock.advance({ hours: 1, seconds: 1 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
})

test('a job set for a time that has passed is waiting', async () => {
  const { jobs } = await setup({ cool })
  expect((await jobs.insert(foo, { n: 1 }, { runAt: new Date(Date.now() - 60_000) })).status).toBe('waiting')
})
