import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'

export interface OpenDatabase {
  db: PgDatabase<PgQueryResultHKT>
  /** What to call it in a message; holds no password. */
  name: string
  /** Creates the application's own tables, or brings them up to date. */
  migrate(): Promise<void>
  close(): Promise<void>
}

const migrations = {
  migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)),
  // Its own, so that it can share a database with other applications of drizzle's migrator.
  migrationsTable: 'reports_migrations',
}

/** Opens the Postgres at a connection string. */
export async function openPostgres(url: string): Promise<OpenDatabase> {
  const { Pool } = await import('pg')
  const { drizzle } = await import('drizzle-orm/node-postgres')
  const { migrate } = await import('drizzle-orm/node-postgres/migrator')

  const pool = new Pool({ connectionString: url, connectionTimeoutMillis: 10_000 })
  // An idle connection that breaks is replaced by the pool; unheard, its error would end the process.
  pool.on('error', () => {})
  const db = drizzle({ client: pool })
  const { host, pathname } = new URL(url)
  return { db, name: `${host}${pathname}`, migrate: () => migrate(db, migrations), close: () => pool.end() }
}

/** Opens the embedded Postgres (PGlite) whose data are in a folder; the folder is made when it is not there. */
export async function openEmbedded(folder: string): Promise<OpenDatabase> {
  const { PGlite } = await import('@electric-sql/pglite')
  const { drizzle } = await import('drizzle-orm/pglite')
  const { migrate } = await import('drizzle-orm/pglite/migrator')

  await mkdir(folder, { recursive: true })
  const unlock = await lock(folder)
  const client = await PGlite.create(folder)
  const db = drizzle({ client })
  return {
    db,
    name: `${folder} (embedded)`,
    migrate: () => migrate(db, migrations),
    async close() {
      await client.close()
      await unlock()
    },
  }
}

/** Two processes in one folder would damage its data, and PGlite lets both in. */
async function lock(folder: string): Promise<() => Promise<void>> {
  const file = `${folder}.lock`
  const holder = await readFile(file, 'utf8').then(Number, () => undefined)
  if (holder && isRunning(holder)) {
    throw new Error(
      `The database in ${folder} is in use by process ${holder}. Wait until it has ended, then try again.`,
    )
  }
  await rm(file, { force: true })
  // Refused when another process wrote it just now.
  await writeFile(file, String(process.pid), { flag: 'wx' })
  return () => rm(file, { force: true })
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Somebody else's process: it runs, and may not be signalled.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
