import { asc, eq, sql } from 'drizzle-orm'
import { boolean, customType, integer, jsonb, numeric, pgTable, real, text, timestamp } from 'drizzle-orm/pg-core'
import { neonFetch } from 'jobmaster/neon-fetch'
import { expect, test } from 'vitest'
import { connect } from '../support/drivers.ts'
import { openNeon } from './open.ts'

const bytes = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' })

const things = pgTable('things', {
  id: integer().primaryKey(),
  name: text(),
  is: boolean(),
  ratio: real(),
  price: numeric({ precision: 10, scale: 2, mode: 'number' }),
  facts: jsonb(),
  tags: text().array(),
  counts: integer().array(),
  raw: bytes(),
  at: timestamp({ withTimezone: true }),
})

const creation = sql`create table things (id integer primary key, name text, "is" boolean, ratio real,
  price numeric(10, 2), facts jsonb, tags text[], counts integer[], raw bytea, at timestamptz)`

const row = {
  id: 1,
  name: `O'Brien, "quoted" \\ 🙂`,
  is: true,
  ratio: 0.5,
  price: 12.34,
  facts: { a: [1, null, 'two'], b: { c: false } },
  tags: ['x', 'y, z', '"q"'],
  counts: [1, -2],
  raw: Uint8Array.of(0, 127, 255),
  at: new Date('2024-02-29T12:34:56.789Z'),
}
const empty = { ...Object.fromEntries(Object.keys(row).map((key) => [key, null])), id: 2 }

test('what Drizzle writes over fetch alone, it reads as it was written', async () => {
  const { db } = await openNeon('neon-fetch')
  await db.execute(creation)
  await db.insert(things).values([row, empty])
  expect(await db.select().from(things).orderBy(asc(things.id))).toEqual([row, empty])
  const updated = await db.update(things).set({ is: false }).where(eq(things.id, 1)).returning({ is: things.is })
  expect(updated).toEqual([{ is: false }])
})

test("a raw statement's rows are as over neon-http", async () => {
  const { db, url } = await openNeon('neon-fetch')
  const other = await connect('neon-http', url)
  const statement = sql`
    select 1::int2 as small, 2 as whole, 3::int8 as big, 4.5::float8 as double, 6.70::numeric as exact, true as yes,
      false as no, 'text' as text, null as nothing, '{"a": [1]}'::json as json, '[{"b": null}]'::jsonb as jsonb,
      '2024-02-29T12:00:00Z'::timestamptz as at, '2024-02-29'::date as day, '1 hour'::interval as duration,
      ${'given'}::text as given, ${5}::integer as number, ${null}::text as none, ${true}::boolean as truth`
  const [over, overHttp] = [await db.execute(statement), await other.db.execute(statement)] as { rows: unknown[] }[]
  expect(over!.rows).toEqual(overHttp!.rows)
})

test('a batch is one transaction: all of it, or none', async () => {
  const { db } = await openNeon('neon-fetch')
  await db.execute(creation)
  const { batch } = db as unknown as { batch(queries: readonly unknown[]): Promise<unknown[]> }
  const insert = (id: number) => db.insert(things).values({ id }).returning({ id: things.id })
  expect(await batch([insert(1), insert(2)])).toEqual([[{ id: 1 }], [{ id: 2 }]])
  await expect(batch([insert(3), insert(1)])).rejects.toMatchObject({ code: '23505' })
  expect(await db.select({ id: things.id }).from(things).orderBy(asc(things.id))).toEqual([{ id: 1 }, { id: 2 }])
})

test("it asks the host of the database's region, as Neon's driver does", async () => {
  const asked: [string, unknown][] = []
  const url = 'postgres://user:secret@ep-x-123-pooler.eu-central-1.aws.neon.tech/db?sslmode=require'
  const db = neonFetch(url, {
    fetch: async (address, { headers }) => {
      asked.push([address, headers])
      return Response.json({ fields: [], rows: [] })
    },
  })
  await db.execute(sql`select 1`)
  expect(asked).toEqual([
    ['https://api.eu-central-1.aws.neon.tech/sql', expect.objectContaining({ 'neon-connection-string': url })],
  ])
})

test.each([undefined, '', 'no url', 'postgres://user:secret@localhost/db'])(
  'given %o, it names the variable',
  (url) => {
    expect(() => neonFetch(url)).toThrow('DATABASE_URL is not the connection string of a database at Neon')
  },
)
