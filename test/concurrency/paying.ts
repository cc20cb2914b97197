import { sql } from 'drizzle-orm'
import { type Context, task } from 'jobmaster'
import * as v from 'valibot'

/** A task whose handler commits a receipt; `at` is told where it is. */
export function payingTasks(at: (place: 'before' | 'after') => Promise<void> | void) {
  const pay = task({
    params: { n: v.number() },
    async run({ n }, ctx: Context) {
      await at('before')
      await ctx.commit(sql`insert into receipts (n, by) values (${n}, ${`attempt ${ctx.job.attempt}`})`)
      await at('after')
      return n
    },
  })
  return { shop: { pay } }
}

/** No constraint keeps a second receipt out: only the fence does. */
export const receiptsTable = 'create table receipts (n integer, by text)'
