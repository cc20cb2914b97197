import { neon, neonConfig, Pool as NeonPool } from '@neondatabase/serverless'
import { drizzle as neonHttp } from 'drizzle-orm/neon-http'
import { drizzle as neonWebsocket } from 'drizzle-orm/neon-serverless'
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import type { Place } from './place.ts'

export type Driver = 'node-postgres' | 'neon-http' | 'neon-websocket'

/** A Drizzle database with that many connections, which it keeps from round to round as the peers keep theirs. */
export function open(driver: Driver, place: Place, connections: number): { db: object; close(): Promise<void> } {
  if (driver === 'node-postgres') {
    const pool = new pg.Pool({ connectionString: place.url, max: connections, idleTimeoutMillis: 0 })
    pool.on('error', () => {})
    return { db: nodePostgres({ client: pool }), close: () => pool.end() }
  }
  neonConfig.fetchEndpoint = place.neon.fetchEndpoint
  neonConfig.wsProxy = place.neon.wsProxy
  neonConfig.useSecureWebSocket = false
  neonConfig.pipelineConnect = false
  // Only loopback: waiting to join writes costs a millisecond a query.
  neonConfig.coalesceWrites = false
  if (driver === 'neon-http') return { db: neonHttp({ client: neon(place.url) }), close: async () => {} }
  const pool = new NeonPool({ connectionString: place.url, max: connections, idleTimeoutMillis: 0 })
  pool.on('error', () => {})
  return { db: neonWebsocket({ client: pool }), close: () => pool.end() }
}
