import { PgDatabase, PgDialect, type PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { makePgArray } from 'drizzle-orm/pg-core/utils/array'
import { type NeonHttpClient, NeonHttpSession } from 'drizzle-orm/neon-http/session'
import { JobMasterError } from './errors.ts'

/** What it is besides a Drizzle database: as with neon-http, a batch is one request and one transaction. */
export interface NeonFetchDatabase extends PgDatabase<PgQueryResultHKT> {
  batch(queries: readonly PromiseLike<unknown>[]): Promise<unknown[]>
}

export interface NeonFetchOptions {
  /** In place of the platform's own. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>
}

/**
 * A Drizzle database over Neon's HTTP protocol, with the session of `drizzle-orm/neon-http` and nothing but fetch below
 * it: a worker is 48 KB smaller than with `@neondatabase/serverless`, which also holds a whole client for WebSockets.
 * Opens nothing, so there is nothing to close.
 * @throws JobMasterError when it is not given the connection string of a database at Neon.
 */
export function neonFetch(connectionString: string | undefined, options: NeonFetchOptions = {}): NeonFetchDatabase {
  const dialect = new PgDialect()
  const client = clientFor(connectionString, options.fetch ?? ((url, init) => fetch(url, init)))
  // The session calls a client as it is called here; the type of the package's own has more ways.
  const session = new NeonHttpSession(client as unknown as NeonHttpClient, dialect, undefined)
  const db = new PgDatabase<PgQueryResultHKT>(dialect, session, undefined)
  const batch = (queries: readonly PromiseLike<unknown>[]): Promise<unknown[]> =>
    // Drizzle's queries, of which there has to be one.
    session.batch(queries as unknown as Parameters<typeof session.batch>[0])
  return Object.assign(db, { batch })
}

interface Statement {
  query: string
  params: (string | null)[]
}

interface Options {
  arrayMode?: boolean
}

interface Answer {
  fields: { name: string; dataTypeID: number }[]
  rows: (string | null)[][]
}

/** A statement that is sent when it is awaited, or as a part of a batch. */
interface Pending extends PromiseLike<unknown> {
  statement: Statement
  options: Options
}

function clientFor(connectionString: string | undefined, send: NonNullable<NeonFetchOptions['fetch']>) {
  const url = endpointOf(connectionString)
  const headers = {
    'content-type': 'application/json',
    'neon-connection-string': connectionString ?? '',
    'neon-raw-text-output': 'true',
    'neon-array-mode': 'true',
  }

  async function post(body: unknown): Promise<unknown> {
    const response = await send(url, { method: 'POST', headers, body: JSON.stringify(body) })
    if (response.ok) return response.json()
    const text = await response.text()
    throw response.status === 400 ? sqlError(text) : new Error(`Server error (HTTP status ${response.status}): ${text}`)
  }

  function query(text: string, params: readonly unknown[] = [], options: Options = {}): Pending {
    const statement = { query: text, params: params.map(parameter) }
    // What Neon answers is trusted to be as its protocol says.
    const run = async () => result((await post(statement)) as Answer, options)
    // oxlint-disable-next-line unicorn/no-thenable -- as a query of the package is: sent when awaited, or in a batch
    return { statement, options, then: (resolve, reject) => run().then(resolve, reject) }
  }

  async function transaction(queries: readonly Pending[]): Promise<unknown[]> {
    const { results } = (await post({ queries: queries.map(({ statement }) => statement) })) as { results: Answer[] }
    return results.map((answer, index) => result(answer, queries[index]?.options ?? {}))
  }

  return { query, transaction }
}

/** Neon answers HTTP for all databases of a region at one host. */
function endpointOf(connectionString: string | undefined): string {
  const found = connectionString && URL.canParse(connectionString) ? new URL(connectionString).hostname : ''
  const [, region] = /^[^.]+\.(.+)$/.exec(found) ?? []
  if (region) return `https://api.${region}/sql`
  throw new JobMasterError('08001', 'DATABASE_URL is not the connection string of a database at Neon: set it to one')
}

/** With the fields of Postgres' own error, its SQLSTATE as `code` among them. */
function sqlError(text: string): Error {
  try {
    const { message, ...fields } = JSON.parse(text)
    return Object.assign(new Error(message), fields)
  } catch {
    return new Error(`Server error (HTTP status 400): ${text}`)
  }
}

function parameter(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array)
    return `\\x${Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
  if (Array.isArray(value)) return makePgArray(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function result({ fields, rows, ...rest }: Answer, { arrayMode = false }: Options): object {
  const read = rows.map((row) => row.map((text, index) => valueOf(text, fields[index]?.dataTypeID)))
  const names = fields.map(({ name }) => name)
  return {
    ...rest,
    fields,
    rows: arrayMode ? read : read.map((row) => Object.fromEntries(row.map((value, index) => [names[index], value]))),
  }
}

/** As neon-http reads them, but for arrays, which stay text: Drizzle reads those of its columns. The numbers are pg_type's. */
function valueOf(text: string | null, type: number | undefined): unknown {
  if (text === null) return null
  switch (type) {
    case 16: // boolean
      return text === 't'
    case 17: // bytea
      return Uint8Array.from(text.slice(2).match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
    case 21: // smallint, integer, oid, real, double precision
    case 23:
    case 26:
    case 700:
    case 701:
      return Number(text)
    case 114: // json, jsonb
    case 3802:
      return JSON.parse(text)
    default:
      return text
  }
}
