import { type SQL, sql } from 'drizzle-orm'
import { json, query } from './database.ts'
import { JobMasterError } from './errors.ts'
import { getJob, jobId } from './inspect.ts'
import type { Job, JobStatus } from './job.ts'
import type { Queue } from './queue.ts'

/** Which jobs: all that is named holds of them. */
export interface JobFilter {
  status?: JobStatus
  /** `cool.bar` */
  task?: string
  /** How many at the most in this bite, from 1 to 10,000; 1,000 when not given. */
  limit?: number
}

/** What a verb did to the jobs of a filter. */
export interface Bite {
  /** How many jobs. */
  jobs: number
  /** Whether some are left that it is for: call again. */
  more: boolean
}

/** What to change of a job that has not started; what is left out stays. */
export interface JobChange {
  /** Higher runs first. */
  priority?: number
  /** Not before this. */
  runAt?: Date
}

/** What is paused and resumed: a task, `cool.bar`, everywhere; a system; or a schedule, `cool.nightly`. */
export type Pausable = { task: string } | { system: string } | { schedule: string }

/** How long finished jobs are kept, as Postgres intervals (`7 days`). What is left out is kept for ever. */
export interface Keep {
  /** Completed and expanded jobs. */
  completed?: string
  /** Failed and cancelled jobs. */
  failed?: string
  /** How many to delete at the most; 10,000 when not given. */
  limit?: number
}

/** What an operator does to jobs, tasks and systems. */
export interface Control {
  /** Cancels a job, or those of a filter, a bite at a time. One that runs is asked to stop, at its invocation's next call. */
  cancel(id: number): Promise<Job>
  cancel(filter: JobFilter): Promise<Bite>
  /** Makes a failed or cancelled job waiting again; by a filter those that have failed, a bite at a time. */
  retry(id: number): Promise<Job>
  retry(filter: JobFilter): Promise<Bite>
  /** Changes the priority of a job that has not started, or when it may start. */
  change(id: number, change: JobChange): Promise<Job>
  /** Deletes a job that does not run, or the finished ones of a filter, a bite at a time. Freshness stays. */
  delete(which: number | JobFilter): Promise<Bite>
  /**
   * Nothing of a task, or on a system, is claimed until it is resumed; what runs goes on. The ticks of a schedule pass by.
   * Answers since when.
   */
  pause(what: Pausable): Promise<{ pausedAt: Date }>
  resume(what: Pausable): Promise<void>
  /** Deletes jobs that finished long enough ago, at most `limit`; returns how many. Freshness stays. */
  prune(keep: Keep): Promise<number>
}

/** Each verb is one statement, and one more where it answers a job. */
export function controlOf(queue: Queue): Control {
  return {
    // A job for an id, a bite for a filter: an arrow cannot say which is for which.
    cancel: (which: number | JobFilter) => cancel(queue, which) as never,
    retry: (which: number | JobFilter) => retry(queue, which) as never,
    change: (id, change) => changeJob(queue, id, change),
    delete: (which) => remove(queue, which),
    pause: (what) => pause(queue, what),
    resume: (what) => resume(queue, what),
    prune: (keep) => prune(queue, keep),
  }
}

async function cancel(queue: Queue, which: number | JobFilter): Promise<Job | Bite> {
  if (typeof which === 'object') return bite(queue, 'cancel', which)
  await call(queue, sql`cancel(${jobId(which)}::bigint)`)
  return found(queue, which)
}

async function retry(queue: Queue, which: number | JobFilter): Promise<Job | Bite> {
  if (typeof which === 'object') return bite(queue, 'retry', which)
  await call(queue, sql`retry(${jobId(which)}::bigint)`)
  return found(queue, which)
}

async function changeJob(queue: Queue, id: number, { priority, runAt }: JobChange): Promise<Job> {
  if (priority === undefined && runAt === undefined) {
    throw new JobMasterError('JM008', `change: give job #${id} a priority, a runAt, or both`)
  }
  // What fits into an integer of the database is for the database to judge.
  if (priority !== undefined && (priority | 0) !== priority) {
    throw new JobMasterError(
      'JM008',
      `change: priority must be a whole number between -1000000000 and 1000000000, got ${String(priority)}`,
    )
  }
  // The comparison fails for an invalid Date.
  if (runAt !== undefined && !(runAt.getUTCFullYear() >= 1 && runAt.getUTCFullYear() <= 9999)) {
    throw new JobMasterError('JM008', `change: runAt must be a valid Date in the years 1 to 9999, got ${String(runAt)}`)
  }
  const time = runAt?.toISOString() ?? null
  await call(queue, sql`change(${jobId(id)}::bigint, ${priority ?? null}::integer, ${time}::timestamptz)`)
  return found(queue, id)
}

async function remove(queue: Queue, which: number | JobFilter): Promise<Bite> {
  if (typeof which === 'object') return bite(queue, 'delete', which)
  await call(queue, sql`delete(${jobId(which)}::bigint)`)
  return { jobs: 1, more: false }
}

async function bite(queue: Queue, verb: 'cancel' | 'retry' | 'delete', filter: JobFilter): Promise<Bite> {
  const answer = await call(queue, sql`${sql.raw(verb)}(${JSON.stringify(filter)}::text::jsonb)`)
  // The answer is our own function's.
  return json(answer) as Bite
}

async function pause(queue: Queue, what: Pausable): Promise<{ pausedAt: Date }> {
  const since = await call(queue, sql`pause(${paused(what)})`)
  return { pausedAt: new Date(String(since)) }
}

async function resume(queue: Queue, what: Pausable): Promise<void> {
  await call(queue, sql`resume(${paused(what)})`)
}

function paused(what: Pausable): SQL {
  const named = (kind: string) => (Object.hasOwn(what, kind) ? String(Reflect.get(what, kind)) : null)
  return sql`${named('task')}::text, ${named('system')}::text, ${named('schedule')}::text`
}

async function prune(queue: Queue, { completed, failed, limit = 10_000 }: Keep): Promise<number> {
  return Number(
    await call(queue, sql`prune(${completed ?? null}::interval, ${failed ?? null}::interval, ${limit}::integer)`),
  )
}

async function found(queue: Queue, id: number): Promise<Job> {
  const job = await getJob(queue, id)
  if (!job) throw new JobMasterError('JM011', `there is no job #${id}`)
  return job
}

async function call({ db, schema }: Queue, invocation: SQL): Promise<unknown> {
  const [row] = await query(db, sql`select ${sql.identifier(schema)}.${invocation} as answer`)
  return row?.answer
}
