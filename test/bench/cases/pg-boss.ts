import type { Case } from '../case.ts'
import { countingPool } from '../counting.ts'
import { peer } from '../peer.ts'
import { settleDown } from '../place.ts'

/** What is used of it. */
interface PgBoss {
  start(): Promise<unknown>
  stop(options: object): Promise<void>
  on(event: 'error', listener: () => void): void
  createQueue(name: string): Promise<void>
  deleteAllJobs(name: string): Promise<void>
  insert(name: string, jobs: object[]): Promise<unknown>
  fetch(name: string, options: object): Promise<{ id: string }[]>
  complete(name: string, ids: string[]): Promise<unknown>
  work(name: string, options: object, handler: (jobs: object[]) => Promise<void>): Promise<string>
  offWork(name: string, options: object): Promise<void>
}

/** Fetch and complete in a loop; and `work`, in bursts of large batches, which is its best. */
export const pgBoss: Case[] = [
  ...[1, 10, 100, 500, 1_000].map((batchSize) =>
    boss(`fetch ${batchSize}`, batchSize === 1 ? 0.05 : batchSize === 10 ? 0.25 : 1, async (boss) => {
      for (let jobs = 0; ;) {
        const done = await fetchAndComplete(boss, batchSize)
        if (done === 0) return jobs
        jobs += done
      }
    }),
  ),
  boss('work', 1, async (boss, count) => {
    let jobs = 0
    const all = Promise.withResolvers<void>()
    const options = { batchSize: 1_000, pollingIntervalSeconds: 0.5, burstThreshold: 1 }
    await boss.work('quick', options, async (batch) => {
      jobs += batch.length
      if (jobs >= count) all.resolve()
    })
    await all.promise
    // Until the last batch is completed too.
    await boss.offWork('quick', { wait: true })
    return jobs
  }),
]

async function fetchAndComplete(boss: PgBoss, batchSize: number): Promise<number> {
  const fetched = await boss.fetch('quick', { batchSize })
  if (fetched.length > 0)
    await boss.complete(
      'quick',
      fetched.map(({ id }) => id),
    )
  return fetched.length
}

function boss(name: string, share: number, drain: (boss: PgBoss, count: number) => Promise<number>): Case {
  return {
    name: `pg-boss/${name}`,
    async open(place) {
      const { PgBoss } = await peer<{ PgBoss: new (options: object) => PgBoss }>('pg-boss')
      const count = place.jobs(share)
      const { pool, sent } = countingPool(place.url, 10)
      let left = count
      const executeSql = (text: string, values: unknown[]) => pool.query(text, values)
      const boss = new PgBoss({ db: { executeSql }, supervise: false, schedule: false })
      boss.on('error', () => {})
      await boss.start()
      await boss.createQueue('quick')
      return {
        async prepare() {
          await boss.deleteAllJobs('quick')
          for (let done = 0; done < count; done += 5_000) {
            const length = Math.min(5_000, count - done)
            await boss.insert(
              'quick',
              Array.from({ length }, (_, n) => ({ data: { n } })),
            )
          }
          await settleDown(place.beside)
          left = count
          for (let call = 0; call < 6; call += 1)
            left -= await fetchAndComplete(boss, Math.min(Math.ceil(count / 12), 100))
        },
        async run() {
          const before = sent()
          const jobs = await drain(boss, left)
          if (jobs !== left) throw new Error(`pg-boss did ${jobs} of ${left} jobs`)
          return { jobs, statements: sent() - before }
        },
        async close() {
          await boss.stop({ graceful: false, close: false })
          await pool.end()
        },
      }
    },
  }
}
