/** A process that does one thing and prints how much processor time that took, in milliseconds. See cases/cold-start.ts. */
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'

declare const WHAT: 'connect' | 'drain'

const client = new pg.Client({ connectionString: process.argv[2] })
await client.connect()
const db = drizzle({ client })
if (WHAT === 'drain') {
  const { createJobMaster, task } = await import('../../src/index.ts')
  const v = await import('valibot')
  const quick = task({ params: { n: v.number() }, run() {} })
  const jobs = createJobMaster({ db, tasks: { cool: { quick } } })
  await jobs.runUntilEmpty(new Date(Date.now() + 10_000), { batchSize: 1, onJob: () => stop() })
  throw new Error('no job was waiting')
} else {
  await client.query('select 1')
  stop()
}

function stop(): void {
  const { user, system } = process.cpuUsage()
  process.stdout.write(String((user + system) / 1_000), () => process.exit())
}
