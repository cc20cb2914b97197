import type { JobMaster } from 'jobmaster'
import { fromEnv } from 'jobmaster/from-env'
import { createJobs, type Env } from './jobs.ts'

/** For an adapter: makes the jobs for one invocation, over the database that `DATABASE_URL` of the platform's env names. */
export function openJobs(readSource: Env['readSource']): (env: object) => Promise<JobMaster> {
  return async (env) => {
    const { db, close } = await fromEnv(env)
    return createJobs(db, { ...env, readSource }, close)
  }
}
