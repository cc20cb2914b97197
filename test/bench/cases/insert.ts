import { createJobMaster, task } from '../../../src/index.ts'
import * as v from 'valibot'
import type { Case } from '../case.ts'
import { countingPool } from '../counting.ts'
import { settleDown } from '../place.ts'
import { drizzle } from 'drizzle-orm/node-postgres'

const order = task({
  params: {
    region: v.picklist(['eu', 'us', 'asia']),
    customer: v.string(),
    amount: v.pipe(v.number(), v.integer(), v.minValue(1)),
    urgent: v.optional(v.boolean(), false),
  },
  run() {},
})
const job = (n: number) => ({
  task: 'shop.order',
  args: { region: n % 2 === 0 ? 'eu' : 'asia', customer: `customer ${n}`, amount: n + 1 },
  priority: 0,
})

/** The same rows into the same table, checked by nothing. */
const plainly = `
  insert into jobmaster.jobs (task_id, status, priority, rank, args, max_attempts, process_units, created_at, run_at)
  select 1, 'waiting', given.priority, -given.priority, given.args, 3, 1, now(), now()
  from jsonb_to_recordset($1::text::jsonb) as given (task text, args jsonb, priority integer)
  returning id`

/** Jobs inserted so many at once, and rows inserted by plain SQL. */
export const insert: Case[] = [
  ...([1, 1_000, 20_000] as const).map((size) => inserting(`insert/${size.toLocaleString('en')}`, size, false)),
  ...([1, 1_000, 20_000] as const).map((size) =>
    inserting(`insert/plain SQL/${size.toLocaleString('en')}`, size, true),
  ),
]

function inserting(name: string, size: number, plain: boolean): Case {
  return {
    name,
    async open(place) {
      const { pool, sent } = countingPool(place.url, 1)
      const jobs = createJobMaster({ db: drizzle({ client: pool }), tasks: { shop: { order } } })
      await jobs.deploy()
      const items = Array.from({ length: size }, (_, n) => job(n))
      const send = () => (plain ? pool.query(plainly, [JSON.stringify(items)]) : jobs.insertMany(items))
      const times = Math.max(1, Math.min(500, Math.round(place.jobs() / size)))
      return {
        async prepare() {
          await place.beside.query('truncate jobmaster.jobs')
          await settleDown(place.beside)
          // Its vacuum has thrown away what the connection had planned, which is not what is measured.
          await send()
        },
        async run() {
          const before = sent()
          for (let time = 0; time < times; time += 1) {
            await send()
          }
          return { jobs: size * times, statements: sent() - before }
        },
        close: () => pool.end(),
      }
    },
  }
}
