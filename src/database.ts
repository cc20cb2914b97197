import type { SQLWrapper } from 'drizzle-orm'
import { JobMasterError } from './errors.ts'

/**
 * Any Drizzle database for Postgres: neon-http, neon-serverless, node-postgres, postgres-js, pglite. This is all of it
 * that JobMaster needs.
 */
export interface Database {
  execute(query: SQLWrapper): PromiseLike<unknown>
  /** Interactive transactions. neon-http has none: its method throws. */
  transaction?(run: (transaction: Database) => Promise<void>): Promise<void>
}

export type Row = Record<string, unknown>

/** Runs one statement. Errors come out as a JobMasterError that keeps the SQLSTATE, and the driver's error as cause. */
export async function query(db: Database, statement: SQLWrapper): Promise<Row[]> {
  try {
    return rowsOf(await db.execute(statement))
  } catch (error) {
    throw databaseError(error)
  }
}

/** Runs statements in one transaction, all or none, and returns the rows of each. Over neon-http it is one batch. */
export async function transact(db: Database, statements: readonly SQLWrapper[]): Promise<Row[][]> {
  try {
    if (hasBatch(db)) return (await db.batch(statements.map((statement) => db.execute(statement)))).map(rowsOf)
    const results: Row[][] = []
    if (!db.transaction) throw new JobMasterError('JM010', 'the database given to createJobMaster has no transactions')
    await db.transaction(async (transaction) => {
      for (const statement of statements) results.push(rowsOf(await transaction.execute(statement)))
    })
    return results
  } catch (error) {
    throw databaseError(error)
  }
}

/**
 * How many statements a database takes at once: two over HTTP, or of a pool that may open two connections; else one after
 * the other.
 */
export function statementsAtOnce(db: Database): 1 | 2 {
  // Pools have options with a max, by the same name in pg, Neon's driver and postgres-js.
  const { $client } = db as { $client?: { options?: { max?: unknown } } }
  return hasBatch(db) || Number($client?.options?.max) > 1 ? 2 : 1
}

/** Whether a value that comes from outside has a method of that name. */
export function hasFunction<const N extends string>(value: unknown, name: N): value is Record<N, () => unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function'
}

/** Drivers disagree: some parse jsonb, some leave it as text. */
export function json(value: unknown): unknown {
  return typeof value === 'string' ? JSON.parse(value) : value
}

interface Batching extends Database {
  batch(queries: readonly PromiseLike<unknown>[]): Promise<unknown[]>
}

function hasBatch(db: Database): db is Batching {
  return hasFunction(db, 'batch')
}

function rowsOf(result: unknown): Row[] {
  // postgres-js answers an array, the others { rows }.
  const rows = Array.isArray(result) ? result : (result as { rows?: unknown } | null)?.rows
  return Array.isArray(rows) ? rows : []
}

const unreachable = /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|08|57P0|53300|28|3D000|CONNECT)/

/** The driver's error, whatever wraps it, as one of ours. The query's parameters are left out: they may be secrets. */
function databaseError(error: unknown): JobMasterError {
  if (error instanceof JobMasterError) return error
  const source = sourceOf(error)
  const code = 'code' in source && typeof source.code === 'string' ? source.code : undefined
  const detail = 'detail' in source && typeof source.detail === 'string' ? source.detail : undefined
  const hint = 'hint' in source && typeof source.hint === 'string' ? source.hint : undefined
  const message = source.message || code || source.name
  if (code?.startsWith('JM')) {
    const rest = [detail?.includes('of 1;') ? undefined : detail, hint].filter(Boolean).join(' ')
    return new JobMasterError(code, rest ? `${message} (${rest})` : message, { cause: source })
  }
  if (!code || unreachable.test(code)) {
    return new JobMasterError(
      code && /^[0-9A-Z]{5}$/.test(code) ? code : '08001',
      `the database cannot be reached: ${message}`,
      {
        cause: source,
      },
    )
  }
  const next =
    code === '42501' ? ' (grant it to the role of this connection: docs/security.md has what each role needs)' : ''
  return new JobMasterError(code, message + next, { cause: source })
}

/** Drizzle and the Neon driver wrap the error that has the SQLSTATE. */
function sourceOf(error: unknown): Error {
  let source = error instanceof Error ? error : new Error(String(error))
  while (!('code' in source && typeof source.code === 'string') && source.cause instanceof Error) source = source.cause
  return source
}
