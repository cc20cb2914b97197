import { type SQL, sql } from 'drizzle-orm'
import { json, query, type Row } from './database.ts'
import { JobMasterError } from './errors.ts'
import { inGroup } from './groups.ts'
import { type Job, type JobError, type JobStatus, jobStatuses } from './job.ts'
import type { Queue } from './queue.ts'

export interface ListOptions {
  status?: JobStatus
  /** `cool.bar` */
  task?: string
  /** The id of a group, or of an ALL job: its jobs. */
  group?: number
  /** 50 when not given, 1,000 at the most. */
  limit?: number
  /** From the last answer: goes on after it. */
  cursor?: string
}

/** One job, or null. */
export async function getJob({ db, schema }: Queue, id: number): Promise<Job | null> {
  const [row] = await query(db, sql`${selectJobs(schema)} where job.id = ${jobId(id)}::bigint`)
  return row ? jobOf(row) : null
}

/**
 * Jobs, the newest first.
 * @throws JobMasterError JM008 naming the option that is wrong.
 */
export async function listJobs(
  { db, schema }: Queue,
  { status, task, group, limit = 50, cursor }: ListOptions,
): Promise<{ jobs: Job[]; cursor: string | null }> {
  if (status !== undefined && !jobStatuses.includes(status))
    throw refused('status', `one of ${jobStatuses.join(', ')}`, status)
  if (group !== undefined && !(Number.isSafeInteger(group) && group >= 0))
    throw refused('group', 'the id of a group', group)
  if (!(Number.isInteger(limit) && limit >= 1)) throw refused('limit', 'a whole number from 1', limit)
  if (cursor !== undefined && !/^\d{1,18}$/.test(cursor)) throw refused('cursor', 'the one of an answer', cursor)
  const conditions = [
    status && sql`job.status = ${status}`,
    task && sql`task.type_key || '.' || task.task_key = ${task}`,
    group !== undefined && inGroup(schema, group),
    cursor && sql`job.id < ${cursor}::bigint`,
  ].filter((condition): condition is SQL => Boolean(condition))
  const where = conditions.length ? sql`where ${sql.join(conditions, sql` and `)}` : sql``
  const most = Math.min(limit, 1_000)
  const rows = await query(db, sql`${selectJobs(schema)} ${where} order by job.id desc limit ${most + 1}::integer`)
  const jobs = rows.slice(0, most).map(jobOf)
  return { jobs, cursor: rows.length > most ? String(jobs.at(-1)?.id) : null }
}

function refused(option: string, expected: string, got: unknown): JobMasterError {
  return new JobMasterError('JM008', `list: ${option} must be ${expected}, got ${String(got)}`)
}

function selectJobs(schema: string): SQL {
  const tables = sql.identifier(schema)
  return sql`
    select jsonb_build_object(
      'id', job.id, 'task', task.type_key || '.' || task.task_key, 'args', job.args, 'priority', job.priority,
      'status', job.status, 'attempt', job.attempt, 'maxAttempts', job.max_attempts, 'failures', job.failures,
      'processUnits', job.process_units, 'system', job.system, 'createdAt', job.created_at, 'runAt', job.run_at,
      'startedAt', job.started_at, 'finishedAt', job.finished_at, 'leaseUntil', job.lease_until,
      'result', job.result, 'error', job.error, 'parentId', job.parent_id, 'groupId', job.group_id, 'progress', (
        select jsonb_build_object('value', progress.value, 'message', progress.message, 'at', progress.told_at)
        from ${tables}.progress progress
        where progress.job_id = job.id and progress.attempt = job.attempt
      )
    ) as job
    from ${tables}.jobs job
    join ${tables}.tasks task on task.id = job.task_id`
}

function jobOf(row: Row): Job {
  // Our own statement's object.
  return parseJob(json(row.job) as Job)
}

/** A job as a statement of ours answers it, with its times as text. */
export function parseJob<J extends Job>(job: J): J {
  for (const key of ['createdAt', 'runAt', 'startedAt', 'finishedAt', 'leaseUntil'] as const) {
    const time = job[key]
    if (time !== null) Object.assign(job, { [key]: new Date(time) })
  }
  if (job.progress) job.progress.at = new Date(job.progress.at)
  return job
}

/** One try at a job. */
export interface Attempt {
  attempt: number
  /** `interrupted` by the deadline; `lost` when its invocation ended without a word. */
  outcome: 'running' | 'completed' | 'failed' | 'interrupted' | 'lost' | 'cancelled'
  /** Where it ran. */
  system: string
  startedAt: Date
  finishedAt: Date | null
  error: JobError | null
}

/**
 * The attempts of a job, the newest 100, the first of them first. One that was handed back before it began is none.
 * @throws JobMasterError JM011 where there is no such job.
 */
export async function attempts({ db, schema }: Queue, id: number): Promise<Attempt[]> {
  const tables = sql.identifier(schema)
  const [row] = await query(
    db,
    sql`
    select (
      select coalesce(jsonb_agg(jsonb_build_object(
        'attempt', attempt, 'outcome', outcome, 'system', system, 'startedAt', started_at, 'finishedAt', finished_at, 'error', error
      ) order by attempt), '[]')
      from (
        select attempt, outcome, system, started_at, finished_at, error from ${tables}.attempts where job_id = job.id
        union all
        select job.attempt, job.status, job.system, job.started_at, job.finished_at, null
        where job.status in ('running', 'completed')
      ) attempt
    ) as attempts
    from ${tables}.jobs job
    where job.id = ${jobId(id)}::bigint`,
  )
  if (!row) throw new JobMasterError('JM011', `there is no job #${id}`)
  // Our own statement's objects, with times as text.
  const found = json(row.attempts) as Attempt[]
  return found.map((one) => ({
    ...one,
    startedAt: new Date(one.startedAt),
    finishedAt: one.finishedAt && new Date(one.finishedAt),
  }))
}

/** What a handler logged, by `ctx.log`. */
export interface LogLine {
  attempt: number
  at: Date
  message: string
}

/**
 * What the handler of a job has logged, the oldest line first: of each attempt the newest 200 lines, of the job its newest
 * ten attempts.
 * @throws JobMasterError JM011 where there is no such job.
 */
export async function log({ db, schema }: Queue, id: number): Promise<LogLine[]> {
  const tables = sql.identifier(schema)
  const [row] = await query(
    db,
    sql`
    select (
      select coalesce(jsonb_agg(jsonb_build_object(
        'attempt', logged.attempt, 'at', logged.logged_at, 'message', logged.message
      ) order by logged.attempt, logged.line), '[]')
      from ${tables}.log_lines logged
      where logged.job_id = job.id
    ) as log
    from ${tables}.jobs job
    where job.id = ${jobId(id)}::bigint`,
  )
  if (!row) throw new JobMasterError('JM011', `there is no job #${id}`)
  // Our own statement's objects, with times as text.
  return (json(row.log) as LogLine[]).map((line) => ({ ...line, at: new Date(line.at) }))
}

/** Why a job does not run, a reason a line. */
export async function explain(queue: Queue, id: number): Promise<string> {
  const [row] = await query(
    queue.db,
    sql`select ${sql.identifier(queue.schema)}.explain(${jobId(id)}::bigint) as answer`,
  )
  return String(row?.answer)
}

/** How a schema's queue stands. */
export interface Status {
  /** How many jobs in each status. */
  jobs: Record<JobStatus, number>
  /** The unfinished ones, by task. */
  tasks: { task: string; status: JobStatus; jobs: number }[]
  /** Units in use and in all, by system. */
  systems: { system: string; unitsInUse: number; processUnits: number; pausedAt: Date | null }[]
  /** Since when the oldest waiting job could have run. */
  oldestWaitingAt: Date | null
}

/** Counts, in one statement. */
export async function status({ db, schema }: Queue): Promise<Status> {
  const tables = sql.identifier(schema)
  const [row] = await query(
    db,
    sql`
    select jsonb_build_object(
      'jobs', (
        select coalesce(jsonb_object_agg(counted.status, counted.jobs), '{}')
        from (select status, count(*) as jobs from ${tables}.jobs group by status) counted
      ),
      'tasks', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'task', task.type_key || '.' || task.task_key, 'status', counted.status, 'jobs', counted.jobs
        ) order by task.type_key, task.task_key, counted.status), '[]')
        from (
          select task_id, status, count(*) as jobs from ${tables}.jobs where finished_at is null group by task_id, status
        ) counted
        join ${tables}.tasks task on task.id = counted.task_id
      ),
      'systems', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'system', systems.name, 'processUnits', systems.process_units, 'unitsInUse', coalesce(used.units, 0),
          'pausedAt', systems.paused_at
        ) order by systems.name), '[]')
        from ${tables}.systems systems
        left join (
          select system, sum(process_units) as units from ${tables}.jobs where status = 'running' group by system
        ) used on used.system = systems.name
      ),
      'oldestWaitingAt', (select min(run_at) from ${tables}.jobs where status = 'waiting')
    ) as status`,
  )
  const found = json(row?.status) as Status
  const none = Object.fromEntries(jobStatuses.map((name) => [name, 0])) as Record<JobStatus, number>
  return {
    ...found,
    jobs: { ...none, ...found.jobs },
    systems: found.systems.map((one) => ({ ...one, pausedAt: one.pausedAt && new Date(one.pausedAt) })),
    oldestWaitingAt: found.oldestWaitingAt && new Date(found.oldestWaitingAt),
  }
}

/** @throws JobMasterError JM011 for what is no id. */
export function jobId(id: number): number {
  if (!Number.isSafeInteger(id)) throw new JobMasterError('JM011', `a job's id is a whole number, got ${String(id)}`)
  return id
}
