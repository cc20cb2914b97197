import {
  connectionTimeoutMillis,
  type FromEnvOptions,
  installed,
  openDatabaseUrl,
  type Opened,
  overPool,
} from './database-url.ts'

export type { DriverName, FromEnvOptions, Opened } from './database-url.ts'

/**
 * Opens the database that `DATABASE_URL` names: at Neon over its HTTP driver, anywhere else over node-postgres. Says what
 * it picked.
 * @param env the platform's environment; `process.env` where there is one and none is given.
 * @throws JobMasterError when the variable is missing or is no Postgres connection string, or the driver is not installed.
 */
export function fromEnv(env: object = processEnv(), options: FromEnvOptions = {}): Promise<Opened> {
  return openDatabaseUrl(env, options, nodePostgres)
}

async function nodePostgres(url: string) {
  const [{ default: pg }, { drizzle }] = await installed('pg', () =>
    Promise.all([import('pg'), import('drizzle-orm/node-postgres')]),
  )
  return overPool(new pg.Pool({ connectionString: url, connectionTimeoutMillis }), (client) => drizzle({ client }))
}

/** Where there is a process; on edge the platform's env is given. */
function processEnv(): object {
  const { process } = globalThis as { process?: { env?: object } }
  return process?.env ?? {}
}
