// One of the processes that drain at once: it starts at the word `go`, begins one drain after the other as a cron tick
// would, and ends when every job has finished, or after the drain that was under way at the word `stop`.
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle as overHttp } from 'drizzle-orm/neon-http'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createJobMaster } from 'jobmaster'
import pg from 'pg'
import { crowd } from './crowd.ts'

const { url, name, system, units, neonPort } = JSON.parse(process.argv[2] ?? '{}') as {
  url: string
  name: string
  system: string
  units: number
  neonPort?: number
}
const pool = new pg.Pool({ connectionString: url, application_name: name, max: 4 })
if (neonPort) neonConfig.fetchEndpoint = `http://127.0.0.1:${neonPort}/sql`
const db = neonPort ? overHttp({ client: neon(url) }) : drizzle({ client: pool })
const jobs = createJobMaster({ db, tasks: { crowd }, system, systemProcessUnits: units })
const counts = { drains: 0, completed: 0, refused: 0 }
const asked = { toStop: false }

async function unfinished(): Promise<boolean> {
  const { rows } = await db.execute(sql`select from jobmaster.jobs where finished_at is null limit 1`)
  return rows.length > 0
}

async function run(): Promise<void> {
  do {
    const report = await jobs.runUntilEmpty(new Date(Date.now() + 120_000), { concurrency: 4 })
    counts.drains += 1
    counts.completed += report.completed
    counts.refused += report.refused
    await sleep(5)
  } while (!asked.toStop && (await unfinished()))
  await pool.end()
}

process.on('message', (word) => {
  if (word === 'stop') asked.toStop = true
  if (word !== 'go') return
  run().then(
    () => process.send?.({ counts }, () => process.exit(0)),
    (error: unknown) => process.send?.({ error: String(error) }, () => process.exit(1)),
  )
})
await pool.query('select 1')
process.send?.('ready')
