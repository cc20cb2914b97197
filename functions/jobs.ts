import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { createJobMaster } from 'jobmaster'
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
