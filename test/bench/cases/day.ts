import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import * as v from 'valibot'
import { createJobMaster, task } from '../../../src/index.ts'
import { Clock } from '../../support/clock.ts'
import type { Case } from '../case.ts'
import { settleDown } from '../place.ts'

const jobsOfDay = 2_000_000
const steps = 200
const tenth = steps / 10
const quick = task({ params: { n: v.number() }, run() {} })

/**
 * A day of 2,000,000 jobs, as many every few minutes, with what completed kept for two hours. From the second tenth on as
 * many go as come: tables and indexes should not grow then, nor claims become slower. The day passes in less than a minute, in
 * which autovacuum would look too seldom: a vacuum runs beside each step, which is seven minutes.
 */
export const day: Case[] = [
  {
    name: 'day',
    full: true,
    async open(place) {
      const pool = new pg.Pool({ connectionString: place.url, max: 2, idleTimeoutMillis: 0 })
      const jobs = createJobMaster({
        db: drizzle({ client: pool }),
        tasks: { cool: { quick } },
        keep: { completed: '2 hours' },
      })
      await jobs.deploy()
      // Each round is the next day.
      const clock = new Clock(async (text) => (await place.beside.query(String(text))).rows, 'jobmaster')
      const size = async () => {
        const { rows } = await place.beside.query<{ size: number }>(
          `select sum(pg_total_relation_size(oid))::float8 / 1e6 as size
          from pg_class
          where relnamespace = 'jobmaster'::regnamespace and relkind = 'r'`,
        )
        return rows[0]?.size ?? 0
      }
      return {
        async prepare() {
          await settleDown(place.beside)
        },
        async run() {
          const sizes: number[] = []
          const seconds: number[] = []
          let statements = 0
          for (let step = 0; step < steps; step += 1) {
            const count = jobsOfDay / steps
            const vacuumed = place.beside.query('vacuum jobmaster.jobs, jobmaster.tallies')
            for (let n = 0; n < count; n += 5_000) {
              await jobs.insertMany(
                Array.from({ length: 5_000 }, (_, index) => ({ task: quick, args: { n: n + index } })),
              )
            }
            const startedAt = performance.now()
            const report = await jobs.runUntilEmpty(new Date(Date.now() + 600_000))
            if (report.completed !== count) throw new Error(`day: ${report.completed} of ${count} were completed`)
            const part = Math.floor(step / tenth)
            seconds[part] = (seconds[part] ?? 0) + (performance.now() - startedAt) / 1_000
            statements += report.statements
            await vacuumed
            await clock.advance({ minutes: (24 * 60) / steps })
            if (step % tenth === tenth - 1) {
              sizes.push(await size())
              process.stderr.write(
                `day: tenth ${part + 1}, ${sizes.at(-1)?.toFixed(0)} MB, ${seconds[part]?.toFixed(1)} s\n`,
              )
            }
          }
          const parts = Object.fromEntries(
            seconds.map((time, part) => [`tenth ${part + 1}`, { jobs: jobsOfDay / 10, seconds: time }]),
          )
          const sized = Object.fromEntries(sizes.map((megabytes, part) => [`size after tenth ${part + 1}`, megabytes]))
          return {
            jobs: jobsOfDay,
            seconds: seconds.reduce((sum, time) => sum + time),
            statements,
            parts,
            sizes: sized,
          }
        },
        async close() {
          await pool.end()
        },
      }
    },
  },
]
