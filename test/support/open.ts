import { afterAll, onTestFinished, TestRunner } from 'vitest'
import { createDatabase } from './database.ts'
import { connect, driver, overPglite, type Connection } from './drivers.ts'
import { giveBackPglite, takePglite } from './pglite.ts'
import { sqlAt, sqlOverPglite, type Sql } from './sql.ts'

/** A fresh database, open over a driver, with a way in beside that driver. */
export interface OpenDatabase extends Connection {
  sql: Sql
  /** Its connection string; empty for PGlite, which has none. */
  url: string
}

/** A fresh, empty database over the driver of this test project, closed when the test (or else the file) ends. */
export async function openDatabase(): Promise<OpenDatabase> {
  const opened = driver === 'pglite' ? await openPglite() : await openServer(driver)
  if (TestRunner.getCurrentTest()) onTestFinished(opened.close)
  else closing.push(opened.close)
  return opened
}

async function openPglite(): Promise<OpenDatabase> {
  const client = await takePglite()
  return { ...overPglite(client), sql: sqlOverPglite(client), url: '', close: () => giveBackPglite(client) }
}

async function openServer(name: Exclude<typeof driver, 'pglite'>): Promise<OpenDatabase> {
  const database = await createDatabase()
  const connection = await connect(name, database.url)
  const beside = await sqlAt(database.url)
  return {
    ...connection,
    sql: beside.sql,
    url: database.url,
    async close() {
      await connection.close()
      await beside.close()
      await database.drop()
    },
  }
}

const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of closing.splice(0)) await close()
})
