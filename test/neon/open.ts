import { neonConfig } from '@neondatabase/serverless'
import { neonFetch } from 'jobmaster/neon-fetch'
import { onTestFinished } from 'vitest'
import { createDatabase } from '../support/database.ts'
import { connect, type Connection, neonServer } from '../support/drivers.ts'
import type { Fault } from '../support/neon.ts'
import type { OpenDatabase } from '../support/open.ts'
import { sqlAt } from '../support/sql.ts'

/** Neon's two, each over the driver, and HTTP over fetch alone. */
export const modes = ['neon-http', 'neon-websocket', 'neon-fetch'] as const

/** A fresh, empty database behind the local server that speaks Neon's protocols, and what can go wrong on the way to it. */
export async function newDatabase() {
  const server = await neonServer()
  const { name, url, drop } = await createDatabase()
  onTestFinished(drop)
  return {
    url,
    sockets: () => server.socketsOf(name),
    cutSockets: () => server.cutSockets(name),
    fail: (...faults: Fault[]) => server.fail(name, ...faults),
  }
}

/** One that is open over one of those modes, for `setup(tasks, { database })`. */
export async function openNeon(mode: (typeof modes)[number]) {
  const database = await newDatabase()
  const connection = await connectNeon(mode, database.url)
  const beside = await sqlAt(database.url)
  onTestFinished(async () => {
    await connection.close()
    await beside.close()
  })
  const opened: OpenDatabase = { ...connection, sql: beside.sql, url: database.url }
  return { ...database, ...opened }
}

export function connectNeon(mode: (typeof modes)[number], url: string): Promise<Connection> {
  return mode === 'neon-fetch' ? overFetch(url) : connect(mode, url)
}

async function overFetch(url: string): Promise<Connection> {
  const server = await neonServer()
  const toServer = (_: string, init: RequestInit) => fetch(String(neonConfig.fetchEndpoint), init)
  return {
    db: neonFetch(atNeon(url), { fetch: toServer }),
    statements: server.statementsOf(new URL(url).pathname.slice(1)),
    close: async () => {},
  }
}

/** A connection string as Neon gives it out, for a database of the local server. */
export function atNeon(url: string): string {
  return url.replace(/@[^/]*/, '@ep-cool-meadow-123456.eu-central-1.aws.neon.tech')
}
