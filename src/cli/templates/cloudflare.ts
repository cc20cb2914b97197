import type { DatabaseKind, Template } from '../templates.ts'

/** A Worker that drains each minute: at Neon over fetch, at another Postgres through Hyperdrive. */
export function cloudflare(database: DatabaseKind): Template {
  const isNeon = database === 'neon'
  return {
    files: {
      'functions/worker.ts': worker,
      ...(isNeon ? {} : { 'functions/jobs.ts': overHyperdrive }),
      'wrangler.jsonc': isNeon ? wrangler : withHyperdrive,
    },
    packages: [],
    developmentPackages: isNeon ? [] : ['@types/pg'],
    next: [
      ...(isNeon
        ? []
        : ['npx wrangler hyperdrive create jobs --connection-string="$DATABASE_URL"   # its id into wrangler.jsonc']),
      'npx wrangler deploy',
      ...[...(isNeon ? ['DATABASE_URL'] : []), 'CRON_SECRET', 'JOBMASTER_SECRET'].map(
        (name) => `npx wrangler secret put ${name}`,
      ),
    ],
  }
}

const worker = `import { cloudflare } from 'jobmaster/cloudflare'
import { openJobs } from './jobs.ts'

// 50 subrequests an invocation on Workers Free, 10,000 on Paid.
export default cloudflare(openJobs, { basePath: '/jobs', subrequests: 50, subrequestsPerJob: 1 })
`

const overHyperdrive = `import { drizzle } from 'drizzle-orm/node-postgres'
import { createJobMaster } from 'jobmaster'
import { Pool } from 'pg'
import * as hello from './tasks/hello.ts'

interface Env {
  /** On Workers. */
  HYPERDRIVE?: { connectionString: string }
  /** For the command line. */
  DATABASE_URL?: string
}

/** The jobs of one invocation, for the Worker and for the command line. A new module of tasks is named here. */
export function openJobs(env: Env) {
  const pool = new Pool({ connectionString: env.HYPERDRIVE?.connectionString ?? env.DATABASE_URL })
  // An idle connection that breaks is replaced by the pool.
  pool.on('error', () => {})
  return createJobMaster({ db: drizzle({ client: pool }), close: () => pool.end(), env, tasks: { hello } })
}
`

const wrangler = `{
  "name": "my-jobs",
  "main": "functions/worker.ts",
  "compatibility_date": "2026-06-01",
  "triggers": { "crons": ["* * * * *"] },
}
`

const withHyperdrive = `{
  "name": "my-jobs",
  "main": "functions/worker.ts",
  "compatibility_date": "2026-06-01",
  "compatibility_flags": ["nodejs_compat"],
  "triggers": { "crons": ["* * * * *"] },
  // wrangler hyperdrive create says the id.
  "hyperdrive": [{ "binding": "HYPERDRIVE", "id": "00000000000000000000000000000000" }],
}
`
