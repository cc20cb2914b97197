import { AssertionError } from 'node:assert'
import { type SQL, sql } from 'drizzle-orm'
import type { PgliteDatabase } from 'drizzle-orm/pglite'
import { JobMasterError } from '../errors.ts'
import type { Job, JobStatus } from '../job.ts'
import { createJobMaster, type JobMaster, type JobMasterOptions } from '../jobmaster.ts'
import type { Report } from '../report.ts'
import type { RunOptions } from '../run-options.ts'
import type { Args, Task } from '../task.ts'
import { tasksOf } from '../tasks.ts'

export type TestJobsOptions = Omit<JobMasterOptions<Record<string, object>>, 'db' | 'tasks' | 'close'>

/** A length of time; what is given is added up. */
export interface Duration {
  days?: number
  hours?: number
  minutes?: number
  seconds?: number
  milliseconds?: number
}

/** JobMaster in an in-memory database of its own, with a clock that the test moves. */
export interface TestJobs {
  /** What the application's code is given. */
  readonly jobs: JobMaster
  /** The in-memory database, for the application's own tables. */
  readonly db: PgliteDatabase
  /** Runs all that may run now. Ten seconds at the most, when no deadline is given. */
  drain(options?: RunOptions & { deadline?: Date }): Promise<Report>
  /** Lets time pass for the database: delays come due, dependencies go stale, leases end. It never goes back. */
  advance(duration: Duration): Promise<void>
  /** The database's time. */
  now(): Promise<Date>
  /** The unfinished jobs, the oldest first: of a task, and with these arguments among theirs. */
  enqueued<T extends Task | string>(task?: T, args?: Partial<Args<T>>): Promise<Job[]>
  /**
   * The first such unfinished job.
   * @throws AssertionError that says what is enqueued instead
   */
  assertEnqueued<T extends Task | string>(task: T, args?: Partial<Args<T>>): Promise<Job>
  /** @throws AssertionError where there is such an unfinished job */
  assertNotEnqueued<T extends Task | string>(task: T, args?: Partial<Args<T>>): Promise<void>
  /** No job, nothing completed, and the real time again: as after the first deploy. The application's tables stay. */
  reset(): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const unfinished: ReadonlySet<JobStatus> = new Set(['scheduled', 'waiting', 'blocked', 'running'])

/**
 * An in-memory database with these tasks deployed, for a test: `const test = await testJobs({ cool })`. It needs
 * `@electric-sql/pglite`, takes a second or two to start, and keeps nothing.
 * @throws JobMasterError JM014 with every problem of the tasks, as `deploy` does
 */
export async function testJobs(tasks: Record<string, object> = {}, options: TestJobsOptions = {}): Promise<TestJobs> {
  const { PGlite } = await import('@electric-sql/pglite')
  const { drizzle } = await import('drizzle-orm/pglite')
  const client = await PGlite.create()
  const db = drizzle({ client })
  const jobs = createJobMaster({ ...options, db, tasks })
  let offsetMs = 0

  async function close(): Promise<void> {
    if (!client.closed) await client.close()
  }

  try {
    await jobs.deploy()
  } catch (error) {
    await close()
    throw error
  }

  async function enqueued(task?: Task | string, args: object = {}): Promise<Job[]> {
    const name = task === undefined ? undefined : nameOf(tasks, task)
    const found: Job[] = []
    let cursor: string | undefined
    do {
      const page = await jobs.list({ limit: 1_000, ...(name && { task: name }), ...(cursor && { cursor }) })
      found.push(...page.jobs)
      cursor = page.cursor ?? undefined
    } while (cursor !== undefined)
    return found.filter((job) => unfinished.has(job.status) && contains(job.args, args)).toReversed()
  }

  return {
    jobs,
    db,
    drain: ({ deadline = new Date(Date.now() + 10_000), ...runOptions } = {}) =>
      jobs.runUntilEmpty(deadline, runOptions),
    async advance(duration) {
      const milliseconds = inMilliseconds(duration)
      await db.execute(clockOf(jobs.schema, offsetMs + milliseconds))
      offsetMs += milliseconds
    },
    async now() {
      const { rows } = await db.execute<{ now: string }>(
        sql`select extract(epoch from ${sql.identifier(jobs.schema)}.clock()) * 1000 as now`,
      )
      return new Date(Number(rows[0]?.now))
    },
    enqueued,
    async assertEnqueued(task, args) {
      const [job] = await enqueued(task, args)
      if (job) return job
      const message = `expected ${described(tasks, task, args)} to be enqueued; enqueued are ${shown(await enqueued())}`
      throw new AssertionError({ message, operator: 'assertEnqueued' })
    },
    async assertNotEnqueued(task, args) {
      const found = await enqueued(task, args)
      if (found.length === 0) return
      const message = `expected no ${described(tasks, task, args)} to be enqueued; there is ${shown(found)}`
      throw new AssertionError({ message, operator: 'assertNotEnqueued' })
    },
    async reset() {
      await jobs.deploy({ reset: true })
      offsetMs = 0
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function nameOf(modules: Record<string, object>, task: Task | string): string {
  const { nameOf, byName } = tasksOf(modules)
  const name = typeof task === 'string' ? task : nameOf(task)
  if (name !== undefined && byName.has(name)) return name
  throw new JobMasterError(
    'JM001',
    `unknown task${typeof task === 'string' ? ` ${task}` : ''}: testJobs was given ${[...byName.keys()].join(', ') || 'none'}`,
  )
}

function described(modules: Record<string, object>, task: Task | string, args: object = {}): string {
  const given = Object.keys(args).length > 0 ? ` with ${JSON.stringify(args)}` : ''
  return `${nameOf(modules, task)}${given}`
}

function inMilliseconds(duration: Duration): number {
  const { days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0, ...others } = duration
  const total = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000 + milliseconds
  const [unknown] = Object.keys(others)
  if (unknown !== undefined || !(total >= 0) || total === Infinity) {
    throw new JobMasterError(
      'JM008',
      `advance: takes days, hours, minutes, seconds and milliseconds from 0, got ${JSON.stringify(duration)}`,
    )
  }
  return total
}

/** In place of the one clock of every function. `deploy({ reset: true })` puts the real one back. */
function clockOf(schema: string, offsetMs: number): SQL {
  return sql`create or replace function ${sql.identifier(schema)}.clock() returns timestamptz language sql volatile
    as ${sql.raw(`'select pg_catalog.clock_timestamp() + interval ''${offsetMs} milliseconds'''`)}`
}

/** Whether each of these arguments is among the job's, as the same JSON. */
function contains(args: Job['args'], wanted: object): boolean {
  return Object.entries(wanted).every(([name, value]) => sameJson(args[name], value))
}

function sameJson(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || left === null || typeof right !== 'object' || right === null) return left === right
  const keys = Object.keys(left)
  return (
    Array.isArray(left) === Array.isArray(right) &&
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && sameJson(Reflect.get(left, key), Reflect.get(right, key)))
  )
}

function shown(jobs: readonly Job[]): string {
  const first = jobs.slice(0, 10).map((job) => `${job.task} #${job.id} ${JSON.stringify(job.args)} (${job.status})`)
  const more = jobs.length > first.length ? [`and ${jobs.length - first.length} more`] : []
  return [...first, ...more].join(', ') || 'none'
}
