import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { JobMasterError } from './errors.ts'

export type DriverName = 'neon-http' | 'neon-websocket' | 'node-postgres' | 'embedded'

/** A Drizzle database that is open for one invocation: `createJobMaster({ ...(await fromEnv(env)), tasks })`. */
export interface Opened {
  readonly db: PgDatabase<PgQueryResultHKT>
  /** Which driver was picked, and at what: for a log, with no password. */
  readonly driver: DriverName
  readonly picked: string
  /** Ends every connection. Call it when the invocation is over; the HTTP app and the adapters do. */
  close(): Promise<void>
}

export interface FromEnvOptions {
  /** How Neon is talked to. Over `websocket` there are sessions and interactive transactions. `http` when not given. */
  neon?: 'http' | 'websocket'
  /** What to open where `DATABASE_URL` is not set, in development: an embedded Postgres, say. Not called in production. */
  embedded?: () => Promise<Pick<Opened, 'db' | 'close'>>
  /** Where it says what it picked. `console.info` when not given. */
  log?: (line: string) => void
}

export type Open = (url: string) => Promise<Pick<Opened, 'db' | 'close'>>

/** Opens what `DATABASE_URL` of an environment names, and says what it picked. `nodePostgres` opens what is not at Neon. */
export async function openDatabaseUrl(env: object, options: FromEnvOptions, nodePostgres: Open): Promise<Opened> {
  const { neon = 'http', embedded, log = console.info } = options
  const url = text(env, 'DATABASE_URL')?.trim()
  const opened = url ? await openAt(url, neon, nodePostgres) : await openEmbedded(env, embedded)
  log(`jobmaster: ${opened.picked}`)
  return opened
}

/** Neon's own hosts, and those of the databases that Vercel once resold. */
const neonHost = /\.(neon\.tech|neon\.build|postgres\.vercel-storage\.com)$/i

async function openAt(url: string, neon: 'http' | 'websocket', nodePostgres: Open): Promise<Opened> {
  const { hostname, host, pathname } = parsed(url)
  const driver = neonHost.test(hostname) ? (`neon-${neon}` as const) : 'node-postgres'
  const open = { 'neon-http': neonHttp, 'neon-websocket': neonWebsocket, 'node-postgres': nodePostgres }[driver]
  return { ...(await open(url)), driver, picked: `${driver}, as DATABASE_URL is at ${host}${pathname}` }
}

function parsed(url: string): URL {
  try {
    const found = new URL(url)
    // An @ after the host is that of a password with a / or # in it, of which a part would be taken for the path.
    const isWhole = !found.pathname.includes('@') && found.hash === ''
    if (isWhole && ['postgres:', 'postgresql:'].includes(found.protocol)) return found
  } catch {
    // The parser's error would show the password.
  }
  throw new JobMasterError(
    '08001',
    'DATABASE_URL is not a connection string for Postgres: write postgres://user:password@host/database, with what is special in the password percent-encoded',
  )
}

async function openEmbedded(env: object, embedded: FromEnvOptions['embedded']): Promise<Opened> {
  if (embedded && text(env, 'NODE_ENV') !== 'production') {
    const picked = 'the embedded Postgres, as DATABASE_URL is not set'
    return { ...(await embedded()), driver: 'embedded', picked }
  }
  throw new JobMasterError(
    '08001',
    'DATABASE_URL is not set: set it to the connection string of your Postgres, such as postgres://user:password@host/database',
  )
}

async function neonHttp(url: string) {
  const [{ neon }, { drizzle }] = await installed('@neondatabase/serverless', () =>
    Promise.all([import('@neondatabase/serverless'), import('drizzle-orm/neon-http')]),
  )
  return { db: drizzle({ client: neon(url) }), close: async () => {} }
}

async function neonWebsocket(url: string) {
  const [{ Pool }, { drizzle }] = await installed('@neondatabase/serverless', () =>
    Promise.all([import('@neondatabase/serverless'), import('drizzle-orm/neon-serverless')]),
  )
  return overPool(new Pool({ connectionString: url, connectionTimeoutMillis }), (client) => drizzle({ client }))
}

/** Of a pool: a database that does not answer must not take the whole invocation. */
export const connectionTimeoutMillis = 10_000

interface Pool {
  on(event: 'error', listener: () => void): unknown
  end(): Promise<void>
}

/** A pool connects when it is first asked, and lasts as long as the invocation: on edge a socket cannot outlive it. */
export function overPool<P extends Pool>(pool: P, drizzle: (pool: P) => Opened['db']): Pick<Opened, 'db' | 'close'> {
  // An idle connection that breaks is replaced by the pool; unheard, its error would end the process.
  pool.on('error', () => {})
  let ended: Promise<void> | undefined
  return { db: drizzle(pool), close: () => (ended ??= pool.end()) }
}

/** Loads a driver, which is an optional dependency. */
export async function installed<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    throw new JobMasterError(
      '08001',
      `DATABASE_URL needs the package ${name}, which could not be loaded: npm install ${name}`,
      { cause },
    )
  }
}

function text(env: object, name: string): string | undefined {
  const value: unknown = Reflect.get(env, name)
  return typeof value === 'string' ? value : undefined
}
