import type { PGlite } from '@electric-sql/pglite'
import { neon, neonConfig, Pool as NeonPool } from '@neondatabase/serverless'
import { drizzle as neonHttpDrizzle } from 'drizzle-orm/neon-http'
import { drizzle as neonWebsocketDrizzle } from 'drizzle-orm/neon-serverless'
import { drizzle as nodePostgresDrizzle } from 'drizzle-orm/node-postgres'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { drizzle as pgliteDrizzle } from 'drizzle-orm/pglite'
import pg from 'pg'
import { inject } from 'vitest'
import { startNeon, type Neon } from './neon.ts'
import { Statements } from './statements.ts'

declare module 'vitest' {
  interface ProvidedContext {
    driver: DriverName
  }
}

export type DriverName = 'node-postgres' | 'pglite' | 'neon-http' | 'neon-websocket'
export type Database = PgDatabase<PgQueryResultHKT>

/** A Drizzle database over one driver, with every statement that the driver sent. */
export interface Connection {
  db: Database
  statements: Statements
  close(): Promise<void>
}

/** The driver that this project of the test run uses. */
export const driver: DriverName = inject('driver')

/** Open a Drizzle database at a connection string; PGlite has an instance instead. */
export function connect(name: Exclude<DriverName, 'pglite'>, url: string): Promise<Connection> {
  return drivers[name](url)
}

/** A Drizzle database over a PGlite instance, which stays the caller's to close. */
export function overPglite(client: PGlite): Connection {
  const statements = new Statements()
  return { db: pgliteDrizzle({ client: counting(client, statements) }), statements, close: async () => {} }
}

/** The local server in front of this run's Postgres that speaks Neon's protocols; one a test file. */
export function neonServer(): Promise<Neon> {
  running ??= startNeon(inject('postgresUrl')).then((server) => {
    neonConfig.fetchEndpoint = server.fetchEndpoint
    neonConfig.wsProxy = server.wsProxy
    neonConfig.useSecureWebSocket = false
    neonConfig.pipelineConnect = false
    // Only loopback: waiting to join writes costs a millisecond a query.
    neonConfig.coalesceWrites = false
    return server
  })
  return running
}

let running: Promise<Neon> | undefined

const drivers = {
  async 'node-postgres'(url: string): Promise<Connection> {
    const statements = new Statements()
    class Client extends pg.Client {}
    const send = pg.Client.prototype.query as (...args: unknown[]) => unknown
    Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
      const [query] = args as [string | { text: string }]
      statements.record(typeof query === 'string' ? query : query.text)
      return send.apply(this, args)
    } as typeof pg.Client.prototype.query
    const pool = new pg.Pool({ connectionString: url, Client } as pg.PoolConfig)
    pool.on('error', () => {})
    return { db: nodePostgresDrizzle({ client: pool }), statements, close: () => pool.end() }
  },

  async 'neon-http'(url: string): Promise<Connection> {
    const server = await neonServer()
    return {
      db: neonHttpDrizzle({ client: neon(url) }),
      statements: server.statementsOf(new URL(url).pathname.slice(1)),
      close: async () => {},
    }
  },

  async 'neon-websocket'(url: string): Promise<Connection> {
    const server = await neonServer()
    const pool = new NeonPool({ connectionString: url })
    pool.on('error', () => {})
    return {
      db: neonWebsocketDrizzle({ client: pool }),
      statements: server.statementsOf(new URL(url).pathname.slice(1)),
      close: () => pool.end(),
    }
  },
}

/** PGlite has no connection to listen at, so what the driver calls is wrapped. */
function counting<T extends Pick<PGlite, 'query' | 'exec'>>(client: T, statements: Statements): T {
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (name === 'query' || name === 'exec') statements.record(String(args[0]))
        const [run] = args
        if (name === 'transaction' && typeof run === 'function') {
          return value.call(target, (tx: T) => run(counting(tx, statements)))
        }
        return value.apply(target, args)
      }
    },
  })
}
