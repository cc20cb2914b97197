import { neonConfig } from '@neondatabase/serverless'
import { sql } from 'drizzle-orm'
import { createJobMaster, type JobMaster, task } from 'jobmaster'
import { fromEnv } from 'jobmaster/from-env'
import * as v from 'valibot'

/** The application that every runtime runs. Nothing in it knows which. */
export const work = {
  note: task({
    description: 'Give back the number.',
    params: { number: v.number(), colour: v.optional(v.picklist(['red', 'green']), 'red') },
    writeAll: ['colour'],
    run: ({ number, colour }) => ({ number, colour }),
  }),
  ask: task({
    description: 'Send one statement.',
    params: { number: v.number() },
    run: async (_args, { db }) => {
      await (db as { execute(query: unknown): PromiseLike<unknown> }).execute(sql`select 1`)
    },
  }),
  endless: task({
    description: 'Hear no signal, and never end.',
    params: {},
    maxAttempts: 2,
    run: () => new Promise<void>(() => {}),
  }),
}

export const tasks = { work }

export const secrets = { CRON_SECRET: 'the-secret-of-the-drain', JOBMASTER_SECRET: 'the-secret-of-the-rest' }

/** As an application makes its jobs: over the database that the platform's environment names. */
export async function openWork(env: object): Promise<JobMaster> {
  const settings = env as { NEON?: 'http' | 'websocket' }
  const { db, close } = await fromEnv(env, { neon: settings.NEON ?? 'http', log: () => {} })
  return createJobMaster({ db, env, close, tasks })
}

/** Sends what is meant for Neon to the local server that speaks its protocols. */
export function useLocalNeon(port: number | string): void {
  neonConfig.fetchEndpoint = `http://127.0.0.1:${port}/sql`
  neonConfig.wsProxy = (host, to) => `127.0.0.1:${port}/v2?address=${host}:${to}`
  neonConfig.useSecureWebSocket = false
  neonConfig.pipelineConnect = false
}
