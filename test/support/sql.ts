import type { PGlite } from '@electric-sql/pglite'
import pg from 'pg'

// oxlint-disable-next-line typescript/no-explicit-any -- a test reads the columns that it asked for
export type Row = Record<string, any>

/**
 * Run SQL beside the driver under test. As a template its values are parameters:
 * ``await sql`select * from jobmaster.jobs where id = ${id}` ``. Called with a text it runs
 * that text as it is, several statements included, and answers the last one's rows.
 */
export interface Sql {
  <R extends Row = Row>(texts: TemplateStringsArray, ...values: unknown[]): Promise<R[]>
  <R extends Row = Row>(text: string): Promise<R[]>
}

/** On one connection of its own: what it sets or locks stays until it is closed. */
export async function sqlAt(url: string): Promise<{ sql: Sql; client: pg.Client; close(): Promise<void> }> {
  const client = new pg.Client({ connectionString: url, types: { getTypeParser } })
  client.on('error', () => {})
  await client.connect()
  const sql = sqlOver(async (text, values) => {
    const result = (await client.query(values ? { text, values } : text)) as pg.QueryResult | pg.QueryResult[]
    return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows
  })
  return { sql, client, close: () => client.end() }
}

/** Over a PGlite instance, which has no second connection. */
export function sqlOverPglite(client: PGlite): Sql {
  return sqlOver(async (text, values) => {
    if (values) return (await client.query<Row>(text, values)).rows
    return ((await client.exec(text)).at(-1)?.rows ?? []) as Row[]
  })
}

function sqlOver(run: (text: string, values?: unknown[]) => Promise<Row[]>): Sql {
  return ((texts: TemplateStringsArray | string, ...values: unknown[]) => {
    if (typeof texts === 'string') return run(texts)
    return run(
      texts.reduce((text, part, index) => `${text}$${index}${part}`),
      values,
    )
  }) as Sql
}

// Job ids are whole numbers that JavaScript holds; PGlite answers numbers too.
const getTypeParser = ((oid: number, format?: 'text') =>
  oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser
