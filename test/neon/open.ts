import { onTestFinished } from 'vitest'
import { createDatabase } from '../support/database.ts'
import { connect, neonServer } from '../support/drivers.ts'
import type { Fault } from '../support/neon.ts'
import type { OpenDatabase } from '../support/open.ts'
import { sqlAt } from '../support/sql.ts'

export const modes = ['neon-http', 'neon-websocket'] as const

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

/** One that is open over one of Neon's two modes, for `setup(tasks, { database })`. */
export async function openNeon(mode: (typeof modes)[number]) {
  const database = await newDatabase()
  const connection = await connect(mode, database.url)
  const beside = await sqlAt(database.url)
  onTestFinished(async () => {
    await connection.close()
    await beside.close()
  })
  const opened: OpenDatabase = { ...connection, sql: beside.sql, url: database.url }
  return { ...database, ...opened }
}

/** A connection string as Neon gives it out, for a database of the local server. */
export function atNeon(url: string): string {
  return url.replace(/@[^/]*/, '@ep-cool-meadow-123456.eu-central-1.aws.neon.tech')
}
