import { relative } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { asc, eq, sql } from 'drizzle-orm'
import color from 'picocolors'
import { openEmbedded, openPostgres, type OpenDatabase } from './database.ts'
import { createJobs } from './jobs.ts'
import { openProgress } from './progress.ts'
import { climates, punctuality } from './schema.ts'
import { readSource } from './sources.ts'
import { table } from './table.ts'
import * as reports from './tasks/reports.ts'

// `npm start`: the jobs of jobs.ts, from nothing to a printed report, in the embedded database or at DATABASE_URL.

type Jobs = ReturnType<typeof createJobs>
type Report = Awaited<ReturnType<Jobs['runUntilEmpty']>>

const lateMinutes = 15

async function start(): Promise<void> {
  const database = await openDatabase()
  try {
    const jobs = createJobs(database.db, { ...process.env, readSource })
    console.log(`Database: ${database.name}`)
    await database.migrate()
    await jobs.deploy()

    await insertJobs(jobs, database)
    const report = await drain(jobs)
    if (report.stopReason === 'aborted') return printInterruption(report)
    if (printFailures(report)) return
    await printReports(database)
    printEnd(report, await printFreshness(jobs, report))
  } finally {
    await database.close()
  }
}

function openDatabase(): Promise<OpenDatabase> {
  if (process.env.DATABASE_URL) return openPostgres(process.env.DATABASE_URL)
  const project = fileURLToPath(new URL('..', import.meta.url))
  const { values } = parseArgs({ options: { data: { type: 'string', default: `${project}.jobmaster/data` } } })
  return openEmbedded(relative('', values.data))
}

/** Asks for the two reports, and for nothing that they are made from: their dependencies see to that. */
async function insertJobs(jobs: Jobs, { db }: OpenDatabase): Promise<void> {
  await jobs.insert(reports.climate, { location: 'ALL' }, { priority: 10 })
  console.log(`Inserted ${color.cyan('reports.climate')} for all locations, from TypeScript`)

  const args = JSON.stringify({ lateMinutes })
  await db.execute(sql`call jobmaster.insert_job('reports', 'delays', 10, ${args}::json)`)
  console.log(
    `Inserted ${color.cyan('reports.delays')} from SQL: call jobmaster.insert_job('reports', 'delays', 10, '${args}')`,
  )
}

/** Drains, and once more when jobs wait to be tried again or for the lease of a run that was killed, for two minutes at most. */
async function drain(jobs: Jobs): Promise<Report> {
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  const { signal } = interrupted
  process.once('SIGINT', interrupt)
  const progress = openProgress()
  const givenUpAt = Date.now() + 120_000
  const drainOnce = () => jobs.runUntilEmpty(new Date(Date.now() + 30_000), { signal, onJob: progress.onJob })
  try {
    let report = await drainOnce()
    while (!signal.aborted && report.nextWakeAt && report.nextWakeAt.getTime() < givenUpAt) {
      progress.note(`Waiting until ${report.nextWakeAt.toLocaleTimeString()} for what is to be tried again`)
      // An interrupt ends the wait; the loop's condition sees to the rest.
      await setTimeout(report.nextWakeAt.getTime() - Date.now(), undefined, { signal }).catch(() => {})
      const next = await drainOnce()
      report = {
        ...next,
        completed: report.completed + next.completed,
        statements: report.statements + next.statements,
        jobs: [...report.jobs, ...next.jobs],
      }
    }
    return report
  } finally {
    progress.close()
    process.off('SIGINT', interrupt)
  }
}

function printInterruption({ completed }: Report): void {
  console.log(`\nInterrupted after ${completed} jobs. The rest is back in the queue: \`npm start\` goes on with it.`)
  process.exitCode = 130
}

/** Whether there were any, among them the jobs that wait to be tried again. */
function printFailures(report: Report): boolean {
  const last = new Map(report.jobs.map((job) => [job.id, job]))
  const failures = [...last.values()].filter(({ status }) => status === 'failed' || status === 'scheduled')
  if (failures.length === 0) return false

  console.error(color.red('\nSome jobs failed, so there is no report:'))
  for (const { id, task, status, error } of failures) {
    const next = status === 'scheduled' ? ' (to be tried again: run `npm start` once more)' : ''
    console.error(`  ${task}, job ${id}: ${error?.message ?? 'no message'}${next}`)
  }
  process.exitCode = 1
  return true
}

async function printReports({ db }: OpenDatabase): Promise<void> {
  const climate = await db.select().from(climates).orderBy(asc(climates.location))
  print('Climate, 2012 to 2015', [
    ['Location', 'Warmest', '°C', 'Coldest', '°C', 'Wettest', 'mm', 'Wet days %'],
    climate.map((row) => {
      const warmest = [monthName(row.warmestMonth), row.warmestHigh]
      const coldest = [monthName(row.coldestMonth), row.coldestLow]
      const wettest = [monthName(row.wettestMonth), row.wettestPrecipitation]
      return [row.location, ...warmest, ...coldest, ...wettest, row.wetPercent]
    }),
  ])

  const delays = await db
    .select()
    .from(punctuality)
    .where(eq(punctuality.lateMinutes, lateMinutes))
    .orderBy(asc(punctuality.place))
  print(`Flights that left ${lateMinutes} minutes late or more, early 2001`, [
    ['Region', 'Flights', 'Late %', 'Mean delay, min'],
    delays.map((row) => [row.region, row.flights, row.latePercent, row.delay]),
  ])
}

/** What this run did, task by task, and what an earlier run did that is still fresh: how much that is, it returns. */
async function printFreshness(jobs: Jobs, report: Report): Promise<number> {
  const doneNow = new Set(report.jobs.map(({ id }) => id))
  const tasks = ['weather.load', 'weather.month', 'flights.load', 'flights.region', 'reports.climate', 'reports.delays']
  const rows: Rows = []
  let total = 0
  for (const task of tasks) {
    const { jobs: completed } = await jobs.list({ status: 'completed', task, limit: 100 })
    // The newest come first: of several jobs with the same arguments the first is the one that counts.
    const newest = new Map<string, (typeof completed)[number]>()
    for (const job of completed) {
      const args = JSON.stringify(job.args)
      if (!newest.has(args)) newest.set(args, job)
    }
    const fresh = [...newest.values()].filter(({ id }) => !doneNow.has(id))
    total += fresh.length
    const oldest = Math.min(...fresh.map(({ finishedAt }) => finishedAt?.getTime() ?? 0))
    rows.push([task, newest.size - fresh.length, fresh.length, fresh.length ? `done ${ago(oldest)}` : ''])
  }
  print('Jobs', [['Task', 'Done now', 'Fresh, not done again', ''], rows])
  return total
}

function printEnd({ completed, statements, remaining }: Report, fresh: number): void {
  const notAgain = fresh > 0 ? `; ${fresh} more were fresh and not done again` : ''
  console.log(`\n${color.green(`${completed} jobs completed`)}${notAgain}. The queue took ${statements} statements.`)
  if (remaining > 0) {
    console.log(`${remaining} jobs are left in the queue: \`select * from jobmaster.queue\` says why.`)
  } else if (fresh === 0) {
    console.log('Run `npm start` again: only the reports are made anew, from what is fresh.')
  }
}

type Rows = (string | number)[][]

function print(title: string, [headings, rows]: [string[], Rows]): void {
  const [heading = '', ...lines] = table(headings, rows)
  console.log(`\n${color.bold(title)}`)
  console.log([color.dim(heading), ...lines].map((line) => `  ${line}`).join('\n'))
}

function monthName(month: number): string {
  return new Date(Date.UTC(2000, month - 1)).toLocaleString('en', { month: 'short', timeZone: 'UTC' })
}

function ago(milliseconds: number): string {
  const minutes = Math.round((Date.now() - milliseconds) / 60_000)
  if (minutes < 1) return 'just now'
  return minutes < 60 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`
}

start().catch((error: unknown) => {
  console.error(color.red(error instanceof Error ? error.message : String(error)))
  for (let cause = error; cause instanceof Error && cause.cause; cause = cause.cause) {
    console.error(`  because: ${cause.cause instanceof Error ? cause.cause.message : String(cause.cause)}`)
  }
  if (process.env.DATABASE_URL) console.error('Check DATABASE_URL, or unset it to use the embedded database.')
  process.exitCode = 1
})
