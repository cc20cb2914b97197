import { setTimeout as sleep } from 'node:timers/promises'
import { type Context, dependsOn, same, task } from 'jobmaster'
import * as v from 'valibot'

/** What the systems have, and what the tasks are allowed: the ledger is counted against these. */
export const systems = { east: 12, west: 8 }
export const limits = { 'chaos.narrow': 2, 'chaos.load': 3 }

const n = v.number()
const region = v.picklist([1, 2, 3, 4])

/**
 * A version of the code: another one has another definition of `light`, so that each leaves the other's jobs alone.
 * `ran` is told of each attempt as its handler begins.
 */
export function tasksOf(version: number, ran: (ctx: Context) => void = () => {}) {
  const during = (milliseconds: number, ctx: Context) => {
    ran(ctx)
    return sleep(milliseconds)
  }
  const light = task({
    description: `version ${version}`,
    params: { n, version: v.optional(n, version) },
    maxAttempts: 50,
    run: ({ n }, ctx) => during(n % 8, ctx),
  })
  const heavy = task({ params: { n }, processUnits: 5, maxAttempts: 50, run: ({ n }, ctx) => during(n % 8, ctx) })
  const narrow = task({
    params: { n },
    processLimit: limits['chaos.narrow'],
    maxAttempts: 50,
    run: ({ n }, ctx) => during(n % 6, ctx),
  })
  const load = task({
    params: { region, n },
    processLimit: limits['chaos.load'],
    maxAttempts: 50,
    run: (_, ctx) => during(3, ctx),
  })
  const report = task({
    params: { region, n },
    writeAll: ['region'],
    maxAttempts: 50,
    dependencies: dependsOn(load, { withinHours: 1, args: { region: same, n: same } }),
    run: (_, ctx) => during(2, ctx),
  })
  /** Runs past its invocation's deadline, and lets nothing else run meanwhile. */
  const blocking = task({
    params: { n },
    maxAttempts: 50,
    run(_, ctx) {
      ran(ctx)
      while (Date.now() < ctx.deadline.getTime() + 150) Math.sqrt(2)
    },
  })
  return { light, heavy, narrow, load, report, blocking }
}

export const chaos = tasksOf(1)

/** A few jobs of each, higher and lower. */
export function someJobs(from: number, count: number) {
  return Array.from({ length: count }, (_, index) => from + index).flatMap((n) => [
    ...[0, 1, 2, 3, 4].map((more) => ({ task: 'chaos.light', args: { n: n + more }, priority: (n * 7) % 11 })),
    { task: 'chaos.heavy', args: { n }, priority: (n * 5) % 11 },
    { task: 'chaos.narrow', args: { n }, priority: (n * 3) % 11 },
    ...(n % 5 === 0 ? [{ task: 'chaos.report', args: { region: 'ALL', n }, priority: n % 8 }] : []),
    ...(n % 5 === 1 ? [{ task: 'chaos.report', args: { region: 1, n: n - 1 }, priority: n % 8 }] : []),
  ])
}
