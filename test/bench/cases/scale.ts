import { drizzle } from 'drizzle-orm/node-postgres'
import * as v from 'valibot'
import { createJobMaster, task } from '../../../src/index.ts'
import { type ClaimAnswer, settleAndClaim } from '../../../src/queue.ts'
import type { Case } from '../case.ts'
import { countingPool } from '../counting.ts'
import { putBack } from '../kept.ts'
import { settleDown } from '../place.ts'
import { drainsOf, fill } from './drain.ts'

const params = { n: v.number() }
const cool = {
  quick: task({ params, run() {} }),
  limited: task({ params, processLimit: 1, run() {} }),
}

/** A queue that has much in it, beside one that has little. */
export const scale: Case[] = [
  later('scale/none set for later', 0),
  later('scale/ten times as many set for later', 10),
  idle(),
  claims('scale/claims from an empty table', 0, 0),
  claims('scale/claims beside 5,000,000 of history and 500,000 waiting', 5_000_000, 500_000),
]

/** A drain at 100 with so many times as many jobs set for later. */
function later(name: string, share: number): Case {
  return {
    name,
    async open(place) {
      const jobs = place.jobs()
      await fill(place, {}, jobs)
      const [drain] = drainsOf(place, {})
      return {
        async prepare() {
          await putBack(place.beside)
          await place.beside.query(
            `insert into jobmaster.jobs (task_id, status, priority, rank, args, max_attempts, process_units, created_at, run_at)
            select 1, 'scheduled', 0, 0, jsonb_build_object('n', n), 3, 1, now(), now() + interval '1 day'
            from generate_series(1, $1::integer) n`,
            [share * jobs],
          )
          await settleDown(place.beside)
        },
        async run() {
          const report = await drain!.jobs.runUntilEmpty(new Date(Date.now() + 600_000), { batchSize: 100 })
          if (report.completed !== jobs) throw new Error(`${name}: ${report.completed} of ${jobs} were completed`)
          return { jobs, statements: report.statements }
        },
        close: () => drain!.close(),
      }
    },
  }
}

/** An invocation that finds nothing, and is not the first of its process; and what of it the function of the database takes. */
function idle(): Case {
  return {
    name: 'idle tick',
    unit: 'ms',
    async open(place) {
      const { pool, sent } = countingPool(place.url, 1)
      const jobs = createJobMaster({ db: drizzle({ client: pool }), tasks: { cool } })
      await jobs.deploy()
      const inDatabase = async () => {
        // The pool has opened another connection where other cases took long.
        await pool.query('set track_functions = pl')
        await pool.query('select pg_stat_force_next_flush()')
        const { rows } = await pool.query<{ ms: number }>(
          `select coalesce(max(total_time), 0) as ms
          from pg_stat_user_functions
          where schemaname = 'jobmaster' and funcname = 'settle_and_claim'`,
        )
        return rows[0]?.ms ?? 0
      }
      return {
        prepare: () => settleDown(place.beside),
        async run() {
          const msBefore = await inDatabase()
          const before = sent()
          const startedAt = performance.now()
          for (let tick = 0; tick < 200; tick += 1) await jobs.runUntilEmpty(new Date(Date.now() + 10_000))
          const seconds = (performance.now() - startedAt) / 1_000
          const statements = sent() - before
          const ms = (await inDatabase()) - msBefore
          return { jobs: 200, seconds, statements, parts: { 'in the database': { jobs: 200, seconds: ms / 1_000 } } }
        },
        close: () => pool.end(),
      }
    },
  }
}

/** 20 calls that settle 100 jobs and claim the next. Of what waits every second may not run: its task is at its limit. */
function claims(name: string, history: number, waiting: number): Case {
  return {
    name,
    unit: 'ms',
    full: true,
    async open(place) {
      const { pool } = countingPool(place.url, 1)
      const db = drizzle({ client: pool })
      await createJobMaster({ db, tasks: { cool } }).deploy()
      const { rows } = await pool.query<{ name: string; hash: string }>(
        `select type_key || '.' || task_key as name, hash from jobmaster.tasks`,
      )
      const hashes = Object.fromEntries(rows.map((row) => [row.name, row.hash]))
      const add = (count: number, status: string, task: string) =>
        place.beside.query(
          `insert into jobmaster.jobs
            (task_id, status, priority, rank, args, max_attempts, process_units, created_at, run_at, finished_at)
          select task.id, $1, 0, 0, jsonb_build_object('n', n), 3, 1, now(), now(), case when $1 = 'completed' then now() end
          from generate_series(1, $2::integer) n
          join jobmaster.tasks task on task.task_key = case when $3 = '' then (array['quick', 'limited'])[n % 2 + 1] else $3 end`,
          [status, count, task],
        )
      await add(history, 'completed', 'quick')
      await add(waiting, 'waiting', '')
      // One runs all the time: the rest of its task may not.
      await place.beside.query(
        `insert into jobmaster.jobs
          (task_id, status, priority, rank, args, max_attempts, process_units, created_at, run_at, lease_until, claim, invocation, system)
        select id, 'running', 0, 0, '{"n": 0}', 3, 1, now(), now(), now() + interval '1 day', nextval('jobmaster.claims'), gen_random_uuid(), 'default'
        from jobmaster.tasks
        where task_key = 'limited'`,
      )
      return {
        async prepare() {
          if (waiting === 0) await add(2_100, 'waiting', 'quick')
          await settleDown(place.beside)
        },
        async run() {
          const invocation = crypto.randomUUID()
          let last: ClaimAnswer = { jobs: [], met: [] }
          const startedAt = performance.now()
          let seconds = 0
          for (let sequence = 1; sequence <= 21; sequence += 1) {
            // The last one claims nothing: it settles, and counts what is left, which a drain does once.
            if (sequence === 21) seconds = (performance.now() - startedAt) / 1_000
            last = await settleAndClaim(
              { db, schema: 'jobmaster' },
              {
                version: 1,
                invocation,
                sequence,
                system: 'default',
                units: 10_000,
                tasks: hashes,
                completed: last.jobs.map(([id, , attempt]) => [id, attempt] as const),
                outcomes: [],
                limit: sequence === 21 ? 0 : 100,
                lease_ms: 60_000,
                time_left_ms: 30_000,
                started: 0,
                held: 0,
                beside: false,
                repeat: false,
                since: last.since ?? 0,
                after: last.after ?? null,
                take_back: false,
              },
            )
            if (sequence < 21 && last.jobs?.length !== 100) throw new Error(`${name}: ${last.jobs?.length} of 100 jobs`)
          }
          return { jobs: 20, seconds }
        },
        close: () => pool.end(),
      }
    },
  }
}
