// A process that runs a job which commits, and stops for ever at the place that it is told: it says so, and is killed there.
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle as neonHttp } from 'drizzle-orm/neon-http'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createJobMaster } from 'jobmaster'
import pg from 'pg'
import { payingTasks } from './paying.ts'

/** `before`, `after`: the commit. `before 2`, `sent 2`: the second statement, or over HTTP request, of the commit. */
const { url, endpoint, place } = JSON.parse(process.argv[2] ?? '{}') as {
  url: string
  endpoint?: string
  place: string
}
let sent: number | undefined

const stop = () => {
  process.send?.('there')
  return new Promise<never>(() => setInterval(() => {}, 60_000))
}

/** Around what goes to the database once the commit has begun. */
async function passing<T>(send: () => Promise<T>): Promise<T> {
  if (sent === undefined) return send()
  sent += 1
  if (place === `before ${sent}`) await stop()
  const answer = send()
  if (place !== `sent ${sent}`) return answer
  await answer
  return stop()
}

class Client extends pg.Client {}
const query = pg.Client.prototype.query as (...args: unknown[]) => Promise<unknown>
Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
  return passing(() => query.apply(this, args))
} as typeof pg.Client.prototype.query

function database() {
  if (endpoint === undefined) {
    return drizzle({
      client: new pg.Pool({ connectionString: url, application_name: 'payer', Client } as pg.PoolConfig),
    })
  }
  neonConfig.fetchEndpoint = endpoint
  neonConfig.fetchFunction = (...args: Parameters<typeof fetch>) => passing(() => fetch(...args))
  return neonHttp({ client: neon(url) })
}

const tasks = payingTasks(async (where) => {
  if (place === where) await stop()
  sent = where === 'before' ? 0 : undefined
})
const jobs = createJobMaster({ db: database(), tasks })
// With no slot free nothing else is sent while the job runs.
await jobs.runUntilEmpty(new Date(Date.now() + 30_000), { concurrency: 1 })
process.send?.('ended')
