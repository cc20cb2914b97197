// A process that drains: told of a database, it makes one invocation after the other, as cron ticks would, with short
// deadlines and leases, until it is told to end. What goes wrong is counted, and the next one goes on.
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle as overHttp } from 'drizzle-orm/neon-http'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createJobMaster } from 'jobmaster'
import pg from 'pg'
import type { DrainerOptions } from './drainers.ts'
import { tasksOf } from './tasks.ts'

const asked = { toEnd: false }

async function drainUntilTold(options: DrainerOptions): Promise<{ drains: number; errors: number }> {
  const { url, system, units, runs, version = 1, clockMs = 0, deadlineMs = 500, neonPort } = options
  if (neonPort) neonConfig.fetchEndpoint = `http://127.0.0.1:${neonPort}/sql`
  const pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 2_000, query_timeout: 1_000 })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const now = () => Date.now() + clockMs
  const jobs = createJobMaster({
    db: neonPort ? overHttp({ client: neon(url) }) : drizzle({ client: pool }),
    tasks: { chaos: tasksOf(version, ({ job }) => appendFileSync(runs, `${job.id} ${job.attempt}\n`)) },
    system,
    systemProcessUnits: units,
    now,
  })
  const counts = { drains: 0, errors: 0 }
  asked.toEnd = false
  while (!asked.toEnd) {
    counts.drains += 1
    await jobs
      .runUntilEmpty(new Date(now() + deadlineMs), { concurrency: 5, graceMs: 300, settleMs: 100 })
      .catch((error: unknown) => {
        counts.errors += 1
        appendFileSync(`${runs}.errors`, `${sqlstateOf(error)}\n`)
      })
    await sleep(10)
  }
  // A connection that is half open would be waited for.
  void pool.end()
  return counts
}

/** Of the error, or of what caused it. */
function sqlstateOf(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ('code' in one && /^[0-9A-Z]{5}$/.test(String(one.code))) return String(one.code)
  }
  return 'none'
}

process.on('message', (told: DrainerOptions | 'end') => {
  if (told === 'end') asked.toEnd = true
  else void drainUntilTold(told).then((counts) => process.send?.(counts))
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
