import * as v from 'valibot'
import { task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

// spec.md, "Setup".

const things = { foo: task({ params: { a: v.number() }, run: ({ a }) => a }) }

test('deploy creates a schema called jobmaster with its tables and functions', async () => {
  const { jobs, sql } = await setup({ things }, { deploy: false })
  expect(await schemas(sql)).toEqual([])
  await jobs.deploy()
  expect(await schemas(sql)).toEqual(['jobmaster'])
  expect(await sql`select count(*) > 0 as there from pg_tables where schemaname = 'jobmaster'`).toEqual([
    { there: true },
  ])
  await sql(`call jobmaster.insert_job('things', 'foo', 1, '{"a": 1}'::json)`)
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
})

test('another schema can be given: schema "job_mistress" holds everything, and a schema called jobmaster stays as it is', async () => {
  const { jobs, sql } = await setup({ things }, { deploy: false, schema: 'job_mistress' })
  await sql(
    `create schema jobmaster; create table jobmaster.jobs (mine text); insert into jobmaster.jobs values ('mine')`,
  )
  await jobs.deploy()
  await sql(`call job_mistress.insert_job('things', 'foo', 1, '{"a": 1}'::json)`)
  await sql(`select job_mistress.enqueue('things', 'foo', '{"a": 2}')`)
  await jobs.insert(things.foo, { a: 3 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(3)
  expect((await jobs.list()).jobs.map(({ result }) => result)).toEqual([3, 2, 1])
  expect(await jobs.explain(1)).toMatch(/^things\.foo #1 is completed/)
  expect(await sql`select table_name from information_schema.tables where table_schema = 'jobmaster'`).toEqual([
    { table_name: 'jobs' },
  ])
  expect(await sql`select mine from jobmaster.jobs`).toEqual([{ mine: 'mine' }])
})

test('two schemas live side by side in one database: neither runs, counts or drops what is the other’s', async () => {
  const master = await setup({ things })
  const mistress = await setup({ things }, { database: master.database, schema: 'job_mistress' })
  await master.jobs.insert(things.foo, { a: 1 })
  await mistress.jobs.insert(things.foo, { a: 2 })
  expect((await mistress.jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  expect((await master.jobs.list()).jobs).toMatchObject([{ args: { a: 1 }, status: 'waiting' }])
  expect((await mistress.jobs.list()).jobs).toMatchObject([{ args: { a: 2 }, status: 'completed' }])

  await mistress.jobs.deploy({ reset: true })
  expect((await mistress.jobs.list()).jobs).toEqual([])
  expect((await master.jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
})

test('units that are taken in one schema are free in the other', async () => {
  const gate = new Gate()
  const hold = task({ params: {}, processUnits: 10_000, run: () => gate.pass() })
  const big = task({ params: {}, processUnits: 10_000, run: () => {} })
  const master = await setup({ things: { hold } })
  const mistress = await setup({ things: { big } }, { database: master.database, schema: 'job_mistress' })
  await master.jobs.insert(hold, {})
  await mistress.jobs.insert(big, {})
  const holding = master.jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  expect((await mistress.jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  gate.open()
  expect((await holding).completed).toBe(1)
})

test('after a change of a task definition the old one holds in the database until deploy is run again', async () => {
  const before = { foo: task({ params: { b: v.picklist([1, 2]) }, run: ({ b }) => b }) }
  const after = { foo: task({ params: { b: v.picklist([1, 2, 3]) }, run: ({ b }) => b * 10 }) }
  const { database, sql } = await setup({ things: before })
  const { jobs } = await setup({ things: after }, { database, deploy: false })
  const insert = () => sql(`call jobmaster.insert_job('things', 'foo', 1, '{"b": 3}'::json)`)

  await expect(insert()).rejects.toThrow('things.foo: "b" must be one of 1, 2, got 3')
  await sql(`call jobmaster.insert_job('things', 'foo', 1, '{"b": 2}'::json)`)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, remaining: 1, skew: ['things.foo'] })

  expect(await jobs.deploy()).toMatchObject({ tasks: { changed: [{ task: 'things.foo' }] } })
  await insert()
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(2)
  expect((await jobs.list()).jobs.map(({ result }) => result)).toEqual([30, 20])
})

test('deploy again keeps the jobs of the queue', async () => {
  const { jobs } = await setup({ things })
  const job = await jobs.insert(things.foo, { a: 1 })
  expect((await jobs.deploy()).upToDate).toBe(true)
  expect(await jobs.get(job.id)).toEqual(job)
})

test('deploy({ reset: true }) drops the schema and makes it again, losing the jobs of the queue', async () => {
  const { jobs, sql } = await setup({ things })
  await jobs.insert(things.foo, { a: 1 })
  await sql(`create table public.kept (note text)`)
  await jobs.deploy({ reset: true })
  expect((await jobs.list()).jobs).toEqual([])
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(0)
  expect((await jobs.insert(things.foo, { a: 2 })).id).toBe(1)
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  expect(await sql`select * from public.kept`).toEqual([])
})

test('deploy({ reset: true }) where nothing is deployed deploys', async () => {
  const { jobs } = await setup({ things }, { deploy: false })
  await jobs.deploy({ reset: true })
  await jobs.insert(things.foo, { a: 1 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
})

async function schemas(sql: Awaited<ReturnType<typeof setup>>['sql']): Promise<string[]> {
  const rows = await sql`
    select nspname as name from pg_namespace
    where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')`
  return rows.map(({ name }) => name)
}
