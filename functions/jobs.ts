import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { createJobMaster, type JobMaster } from 'jobmaster'
import * as flights from './tasks/flights.ts'
import * as reports from './tasks/reports.ts'
import * as weather from './tasks/weather.ts'

/** What the tasks find in `ctx.env`. */
export interface Env {
  /** Answers the text of a source file, such as `weather.csv`. */
  readSource(file: string): Promise<string>
  [name: string]: unknown
}

// Types `ctx.db` and `ctx.env` in every task of this application.
declare module 'jobmaster' {
  interface Register {
    db: PgDatabase<PgQueryResultHKT>
    env: Env
  }
}

/** The application's jobs over a Drizzle database. It opens nothing, so it can be made once an invocation. */
export function createJobs(db: PgDatabase<PgQueryResultHKT>, env: Env, close: () => Promise<void> = async () => {}) {
  return createJobMaster({ db, env, close, tasks: { weather, flights, reports } })
}

/** For the command line: over the database that it is told of, with the source files of this machine. */
export async function openJobs(env: object): Promise<JobMaster> {
  const [{ fromEnv }, { readSource }] = await Promise.all([import('jobmaster/from-env'), import('./sources.ts')])
  const { db, close } = await fromEnv(env)
  return createJobs(db, { ...env, readSource }, close)
}
