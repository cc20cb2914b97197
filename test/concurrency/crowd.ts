import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { type Context, dependsOn, NonRetriable, RetryAfter, same, task } from 'jobmaster'
import * as v from 'valibot'

/** What the systems have, and what the tasks below are allowed: the rig counts against these. */
export const systems = { east: 12, west: 8 }
export const limits = { 'crowd.narrow': 2, 'crowd.load': 3, 'crowd.single': 1 }

const region = v.picklist([1, 2, 3, 4, 5])

/** The tasks that many processes run at once: each writes down that it ran, and takes a few milliseconds. */
export const crowd = {
  light: task({ params: { n: v.number() }, run: (_, ctx) => work(ctx) }),
  heavy: task({ params: { n: v.number() }, processUnits: 5, run: (_, ctx) => work(ctx) }),
  narrow: task({ params: { n: v.number() }, processLimit: limits['crowd.narrow'], run: (_, ctx) => work(ctx) }),
  single: task({
    params: { n: v.number() },
    processLimit: limits['crowd.single'],
    processUnits: 2,
    run: (_, ctx) => work(ctx),
  }),
  flaky: task({
    params: { n: v.number() },
    processUnits: 2,
    maxAttempts: 9,
    async run({ n }, ctx) {
      await work(ctx)
      if (n % 7 === 0) throw new NonRetriable('never does')
      if (n % 2 === 0 && ctx.job.attempt < 3) throw new RetryAfter(0)
    },
  }),
  keyed: task({
    params: { region, n: v.number() },
    processLimit: { max: 2, per: ['region'] },
    run: (_, ctx) => work(ctx),
  }),
  rated: task({
    params: { region, n: v.number() },
    rateLimit: { max: 4, perSeconds: 1, per: ['region'] },
    run: (_, ctx) => work(ctx),
  }),
  load: task({ params: { region }, processLimit: limits['crowd.load'], run: (_, ctx) => work(ctx) }),
  summary: task({ params: { region }, dependencies: dependsOnLoad(), run: (_, ctx) => work(ctx) }),
  report: task({
    params: { region, n: v.number() },
    writeAll: ['region'],
    dependencies: [dependsOnLoad(), dependsOn('crowd.summary', { withinHours: 2, args: { region: same } })],
    run: (_, ctx) => work(ctx),
  }),
  total: task({
    params: { n: v.number() },
    dependencies: dependsOn('crowd.summary', { withinHours: 2, args: { region: 'ALL' } }),
    run: (_, ctx) => work(ctx),
  }),
  broken: task({
    params: { region },
    async run(_, ctx) {
      await work(ctx)
      throw new NonRetriable('is broken')
    },
  }),
  stuck: task({
    params: { region, n: v.number() },
    dependencies: dependsOn('crowd.broken', { args: { region: same } }),
    run: (_, ctx) => work(ctx),
  }),
}

function dependsOnLoad() {
  return dependsOn('crowd.load', { withinHours: 2, args: { region: same } })
}

/** Where the handlers write: an attempt that ran twice breaks its primary key, and fails. */
export const runsTable = 'create table runs (job_id bigint, attempt integer, primary key (job_id, attempt))'

async function work(ctx: Context): Promise<void> {
  await ctx.db.execute(sql`insert into runs (job_id, attempt) values (${ctx.job.id}, ${ctx.job.attempt})`)
  await sleep(ctx.job.id % 8)
}
