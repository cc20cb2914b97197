/** A process that does one thing and prints how much processor time that took, in milliseconds. See cases/cold-start.ts. */
declare const WHAT: 'node' | 'import' | 'connect' | 'first job'

if (WHAT === 'import') {
  await import('../../src/index.ts')
} else if (WHAT !== 'node') {
  const { default: pg } = await import('pg')
  const { drizzle } = await import('drizzle-orm/node-postgres')
  const client = new pg.Client({ connectionString: process.argv[2] })
  await client.connect()
  const db = drizzle({ client })
  if (WHAT === 'connect') {
    await client.query('select 1')
  } else {
    const { createJobMaster, task } = await import('../../src/index.ts')
    const v = await import('valibot')
    const quick = task({ params: { n: v.number() }, run() {} })
    const jobs = createJobMaster({ db, tasks: { cool: { quick } } })
    await jobs.runUntilEmpty(new Date(Date.now() + 10_000), { batchSize: 1, onJob: () => stop() })
    throw new Error('no job was waiting')
  }
}
stop()

function stop(): void {
  const { user, system } = process.cpuUsage()
  process.stdout.write(String((user + system) / 1_000), () => process.exit())
}
