import pg from 'pg'
import type { Case } from '../case.ts'
import { putBack } from '../kept.ts'
import { drainsOf, fill } from './drain.ts'

/** A session that holds a snapshot: nothing that died since can be removed, and every index keeps it. */
export const heldSnapshot: Case[] = [held('held snapshot/none', false), held('held snapshot/held', true)]

function held(name: string, holds: boolean): Case {
  return {
    name,
    async open(place) {
      const count = place.jobs(2.5)
      const part = Math.round(count / 10)
      await fill(place, {}, count)
      const [drain] = drainsOf(place, {})
      const holder = new pg.Client({ connectionString: place.url })
      await holder.connect()
      return {
        async prepare() {
          await holder.query('rollback')
          await putBack(place.beside)
          if (holds) await holder.query('begin isolation level repeatable read; select count(*) from jobmaster.jobs')
        },
        async run() {
          const startedAt = performance.now()
          let done = 0
          let firstMs = 0
          let lastFromMs = 0
          const report = await drain!.jobs.runUntilEmpty(new Date(Date.now() + 600_000), {
            batchSize: 100,
            onJob() {
              done += 1
              if (done === part) firstMs = performance.now() - startedAt
              if (done === count - part) lastFromMs = performance.now()
            },
          })
          const lastMs = performance.now() - lastFromMs
          if (report.completed !== count) throw new Error(`${name}: ${report.completed} of ${count} were completed`)
          return {
            jobs: count,
            statements: report.statements,
            parts: {
              'first tenth': { jobs: part, seconds: firstMs / 1_000 },
              'last tenth': { jobs: part, seconds: lastMs / 1_000 },
            },
          }
        },
        async close() {
          await holder.end()
          await drain!.close()
        },
      }
    },
  }
}
