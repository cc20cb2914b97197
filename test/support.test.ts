import { sql as drizzleSql } from 'drizzle-orm'
import type { NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { expect, test } from 'vitest'
import { Clock } from './support/clock.ts'
import { driver } from './support/drivers.ts'
import { openDatabase } from './support/open.ts'

test('each test gets an empty database of its own', async () => {
  const one = await openDatabase()
  const other = await openDatabase()
  await one.sql`create table things (id int)`
  expect(await other.sql`select to_regclass('things') as found`).toEqual([{ found: null }])
  expect(await one.sql`select to_regclass('things')::text as found`).toEqual([{ found: 'things' }])
})

test('the driver under test and the sql helper see the same rows', async () => {
  const { db, sql } = await openDatabase()
  await sql`create table things (id bigint, name text)`
  await db.execute(drizzleSql`insert into things values (${1}, ${'a'}), (2, 'b')`)
  expect(await sql`select * from things where id > ${1}`).toEqual([{ id: 2, name: 'b' }])
  expect(await sql('select 1; select 2 as two')).toEqual([{ two: 2 }])
})

test('every statement that the driver sends is counted, and the sql helper is not', async () => {
  const { db, sql, statements } = await openDatabase()
  await db.execute(drizzleSql`select 1`)
  await db.execute(drizzleSql`select ${2}::int`)
  await sql`select 3`
  expect(statements.texts).toEqual(['select 1', 'select $1::int'])
  statements.reset()
  expect(statements.count).toBe(0)
})

if (driver !== 'neon-http')
  test('a transaction is counted with what opens and ends it', async () => {
    const { db, statements } = await openDatabase()
    await db.transaction(async (tx) => {
      await tx.execute(drizzleSql`select 1`)
    })
    expect(statements.texts).toContain('select 1')
    expect(statements.count).toBe(driver === 'pglite' ? 1 : 3)
  })

test('an error of the database keeps its SQLSTATE', async () => {
  const { db } = await openDatabase()
  await expect(db.execute(drizzleSql`select 1 / 0`)).rejects.toMatchObject({ cause: { code: '22012' } })
})

test('several statements in one query are refused over HTTP', async () => {
  const { db } = await openDatabase()
  const both = db.execute(drizzleSql`select 1; select 2`)
  if (driver === 'neon-http') await expect(both).rejects.toMatchObject({ cause: { code: '42601' } })
  else await both.catch(() => {})
})

test('the clock of a schema moves when the test says so', async () => {
  const { sql } = await openDatabase()
  await sql`create schema "job mistress"`
  const clock = new Clock(sql, 'job mistress')
  await clock.advance({ hours: 2 })
  await clock.advance({ minutes: 30 })
  const ahead = (await clock.now()).getTime() - Date.now()
  expect(ahead).toBeGreaterThan(2.5 * 3_600_000 - 5_000)
  expect(ahead).toBeLessThan(2.5 * 3_600_000 + 5_000)
})

if (driver === 'neon-http')
  test('a batch over HTTP is one transaction, and each of its statements is counted', async () => {
    const { db, sql, statements } = await openDatabase()
    const http = db as NeonHttpDatabase
    await sql`create table things (id int primary key)`
    const insert = (id: number) => http.execute(drizzleSql`insert into things values (${id})`)
    await http.batch([insert(1), insert(2)])
    await expect(http.batch([insert(3), insert(1)])).rejects.toMatchObject({ code: '23505' })
    expect(await sql`select id from things`).toEqual([{ id: 1 }, { id: 2 }])
    expect(statements.count).toBe(4)
  })

if (driver === 'neon-http')
  test('over HTTP nothing that a statement sets is there for the next one', async () => {
    const { db } = await openDatabase()
    await db.execute(drizzleSql`set statement_timeout = 12345`)
    const shown: unknown = await db.execute(drizzleSql`show statement_timeout`)
    expect(shown).toMatchObject({ rows: [{ statement_timeout: '0' }] })
  })

if (driver === 'neon-websocket')
  test('prepared statements over a WebSocket are counted each time they run', async () => {
    const { db, statements } = await openDatabase()
    const prepared = db
      .select({ one: drizzleSql<number>`1` })
      .from(drizzleSql`pg_am limit 1`)
      .prepare('one')
    expect(await prepared.execute()).toEqual([{ one: 1 }])
    expect(await prepared.execute()).toEqual([{ one: 1 }])
    expect(statements.texts).toEqual(Array(2).fill('select 1 from pg_am limit 1'))
  })
