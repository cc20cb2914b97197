import type { Case } from '../case.ts'
import { countingPool } from '../counting.ts'
import { peer } from '../peer.ts'
import { settleDown } from '../place.ts'

/** What is used of it. */
interface GraphileWorker {
  runMigrations(options: object): Promise<void>
  runOnce(options: object): Promise<void>
  Logger: new (log: () => () => void) => object
}

/** As it comes, and with its batches: of jobs fetched, and of jobs completed. */
export const graphileWorker: Case[] = [
  graphile('as it comes', 0.1, {}),
  ...[500, 1_000].map((size) =>
    graphile(`local queue of ${size}`, 1, {
      concurrentJobs: 24,
      maxPoolSize: 4,
      localQueue: { size },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    }),
  ),
]

function graphile(name: string, share: number, worker: object): Case {
  return {
    name: `graphile-worker/${name}`,
    async open(place) {
      const { runMigrations, runOnce, Logger } = await peer<GraphileWorker>('graphile-worker')
      const count = place.jobs(share)
      const { pool, sent } = countingPool(place.url, 10)
      pool.on('connect', (client) => client.on('error', () => {}))
      const logger = new Logger(() => () => {})
      await runMigrations({ pgPool: pool, logger })
      return {
        async prepare() {
          await place.beside.query(`
            truncate graphile_worker._private_jobs;
            select count(graphile_worker.add_job('quick', json_build_object('n', n)))
            from generate_series(1, ${count}) n`)
          await settleDown(place.beside)
        },
        async run() {
          const before = sent()
          let jobs = 0
          const quick = () => {
            jobs += 1
          }
          await runOnce({ pgPool: pool, logger, noHandleSignals: true, taskList: { quick }, preset: { worker } })
          const statements = sent() - before
          // Its last completions may still be on their way.
          const waitUntil = performance.now() + 10_000
          for (;;) {
            const { rows } = await place.beside.query('select from graphile_worker._private_jobs')
            if (rows.length === 0) break
            if (performance.now() > waitUntil) throw new Error(`graphile-worker left ${rows.length} jobs`)
          }
          return { jobs, statements }
        },
        close: () => pool.end(),
      }
    },
  }
}
