import { createJobMaster, dependsOn, same, task } from '../../../src/index.ts'
import * as v from 'valibot'
import type { Case } from '../case.ts'
import { type Driver, open } from '../drivers.ts'
import { keep, putBack } from '../kept.ts'
import type { Place } from '../place.ts'
import type { RunOptions } from '../../../src/index.ts'

export interface Drained {
  driver?: Driver
  /** Where the database is reached, when that is not where it is. */
  url?: string
  batchSize?: number
  tasks?: Record<string, object>
  /** Which task the nth job is of, with which arguments. */
  job?: (n: number) => { task: string; args: Record<string, number> }
  /** A job that has to be run before. */
  before?: (n: number) => { task: string; args: Record<string, number> }
  befores?: number
  units?: number
  /** How many connections each drain may have. */
  connections?: number
  /** How many drains at once, and on how many systems. */
  drains?: number
  systems?: number
}

const quick = task({ params: { n: v.number() }, run() {} })
const one = { tasks: { cool: { quick } }, job: (n: number) => ({ task: 'cool.quick', args: { n } }) }

const source = task({ params: { region: v.number() }, run() {} })
const limited = task({ params: { n: v.number() }, processLimit: 100, run() {} })
const returning = task({ params: { n: v.number() }, run: ({ n }) => ({ rows: n }) })
const awaiting = task({ params: { n: v.number() }, run: async () => {} })
const dependent = task({
  params: { n: v.number(), region: v.number() },
  dependencies: dependsOn(source, { withinHours: 24, args: { region: same } }),
  run() {},
})
const twenty = Object.fromEntries(
  Array.from({ length: 20 }, (_, index) => [`task${index}`, task({ params: { n: v.number() }, run() {} })]),
)

const sizes = [1, 10, 100, 500, 1_000] as const
const shares = { 1: 0.05, 10: 0.25, 100: 1, 500: 1, 1_000: 1 }

export const drain: Case[] = [
  ...sizes.map((batchSize) => drained(`drain/node-postgres/${batchSize}`, { batchSize }, shares[batchSize])),
  drained('drain/node-postgres/as it comes', {}),
  ...(['neon-http', 'neon-websocket'] as const).flatMap((driver) => [
    ...sizes.map((batchSize) => drained(`drain/${driver}/${batchSize}`, { driver, batchSize }, shares[batchSize])),
    drained(`drain/${driver}/as it comes`, { driver }),
  ]),
  ...[100, undefined].flatMap((batchSize) => {
    const size = batchSize ?? 'as it comes'
    const at = batchSize === undefined ? {} : { batchSize }
    return [
      drained(`drain/20 tasks/${size}`, {
        ...at,
        tasks: { cool: twenty },
        job: (n) => ({ task: `cool.task${n % 20}`, args: { n } }),
      }),
      drained(`drain/a fresh dependency/${size}`, {
        ...at,
        tasks: { cool: { source, dependent } },
        befores: 100,
        before: (n) => ({ task: 'cool.source', args: { region: n } }),
        job: (n) => ({ task: 'cool.dependent', args: { n, region: n % 100 } }),
      }),
      drained(`drain/results/${size}`, {
        ...at,
        tasks: { cool: { returning } },
        job: (n) => ({ task: 'cool.returning', args: { n } }),
      }),
    ]
  }),
  // One statement on its way, as where units or a limit allow no second.
  drained('drain/one connection/100', { batchSize: 100, connections: 1 }),
  drained('drain/units/100', { batchSize: 100, units: 100 }),
  drained('drain/process limit/100', {
    batchSize: 100,
    tasks: { cool: { limited } },
    job: (n) => ({ task: 'cool.limited', args: { n } }),
  }),
  drained('drain/handlers that await/as it comes', {
    tasks: { cool: { awaiting } },
    job: (n) => ({ task: 'cool.awaiting', args: { n } }),
  }),
]

export function drained(name: string, options: Drained, share = 1): Case {
  return {
    name,
    async open(place) {
      const count = place.jobs(share)
      await fill(place, options, count)
      const drains = drainsOf(place, options)
      let left = count
      const drainAll = async (given: RunOptions) => {
        const deadline = new Date(Date.now() + 600_000)
        const reports = await Promise.all(drains.map(({ jobs }) => jobs.runUntilEmpty(deadline, given)))
        const sum = (what: 'completed' | 'statements') => reports.reduce((total, report) => total + report[what], 0)
        return { jobs: sum('completed'), statements: sum('statements') }
      }
      return {
        async prepare() {
          await putBack(place.beside)
          // Its vacuum has thrown away what each connection had planned, which is not what is measured.
          const statementBudget = drains.length > 4 ? 4 : 12
          const half = Math.floor(count / 2 / drains.length / statementBudget)
          const warmUp = { batchSize: Math.max(1, Math.min(options.batchSize ?? 100, 100, half)), statementBudget }
          left = count - (await drainAll(warmUp)).jobs
        },
        async run() {
          const { batchSize } = options
          const done = await drainAll(batchSize === undefined ? {} : { batchSize })
          if (done.jobs !== left) throw new Error(`${name}: ${done.jobs} of ${left} jobs were completed`)
          return done
        },
        async close() {
          for (const { close } of drains) await close()
        },
      }
    },
  }
}

/** The jobs that each run of a case begins with. */
export async function fill(
  place: Place,
  { tasks = one.tasks, job = one.job, before, befores = 0 }: Drained,
  count: number,
) {
  const { db, close } = open('node-postgres', place, 1)
  const jobs = createJobMaster({ db, tasks })
  await jobs.deploy()
  const insert = async (length: number, of: (n: number) => { task: string; args: Record<string, number> }) => {
    for (let done = 0; done < length; done += 5_000) {
      const size = Math.min(5_000, length - done)
      await jobs.insertMany(Array.from({ length: size }, (_, n) => of(done + n)))
    }
  }
  if (before) {
    await insert(befores, before)
    await jobs.runUntilEmpty(new Date(Date.now() + 60_000))
  }
  await insert(count, job)
  await keep(place.beside)
  await close()
}

/** Each with a connection of its own, as invocations have. */
export function drainsOf(
  place: Place,
  {
    tasks = one.tasks,
    driver = 'node-postgres',
    units,
    connections = 4,
    drains = 1,
    systems = 1,
    url = place.url,
  }: Drained,
) {
  return Array.from({ length: drains }, (_, index) => {
    const { db, close } = open(driver, { ...place, url }, connections)
    const system = `system${index % systems}`
    return { jobs: createJobMaster({ db, tasks, system, systemProcessUnits: units ?? 10_000 }), close }
  })
}
