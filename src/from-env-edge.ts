import { type FromEnvOptions, openDatabaseUrl, type Opened } from './database-url.ts'
import { JobMasterError } from './errors.ts'

export type { DriverName, FromEnvOptions, Opened } from './database-url.ts'

/**
 * The `fromEnv` of workerd and Vercel Edge, which bundlers take by its condition in package.json: Neon alone, so that
 * node-postgres is not in the bundle.
 */
export function fromEnv(env: object = {}, options: FromEnvOptions = {}): Promise<Opened> {
  return openDatabaseUrl(env, options, noSockets)
}

async function noSockets(): Promise<never> {
  throw new JobMasterError(
    '08001',
    'DATABASE_URL is not at Neon, and node-postgres does not run here: use a Neon database, or give createJobMaster a Drizzle database that you open yourself (over Hyperdrive, say)',
  )
}
