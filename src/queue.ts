import { sql, type SQL } from 'drizzle-orm'
import { type Database, json, query, type Row } from './database.ts'
import { JobMasterError } from './errors.ts'
import { type Job, type JobError, type JobStatus, jobStatuses } from './job.ts'
import type { Json } from './task.ts'

/** One job to insert, as `insert_jobs` takes it. */
export interface NewJob {
  task: string
  args: unknown
  priority: number
  run_at?: string
  /** A W3C traceparent. */
  trace?: string
}

/** A job that was claimed. `problem` is what keeps it from being run, `trace` the W3C traceparent of what inserted it. */
export type ClaimedJob = readonly [
  id: number,
  task: string,
  attempt: number,
  priority: number,
  args: Record<string, Json>,
  problem: string | null,
  trace?: string | null,
]

/** What a dependency was met by: task, job id, arguments, result. */
export type MetDependency = readonly [task: string, id: number, args: Record<string, Json>, result: Json]

/** One attempt that did not complete. `sql/settle.sql` says what each outcome does. */
export interface Outcome {
  id: number
  attempt: number
  outcome: 'failed' | 'fatal' | 'interrupted' | 'released'
  error?: JobError
  retry_ms?: number
}

/** What `sql/settle_and_claim.sql` describes. */
export interface ClaimRequest {
  version: 1
  invocation: string
  sequence: number
  system: string
  units: number
  tasks: Readonly<Record<string, string>>
  completed: readonly (readonly [id: number, attempt: number, result?: Json])[]
  outcomes: readonly Outcome[]
  limit: number
  lease_ms: number
  time_left_ms: number
  started: number
  held: number
  repeat: boolean
  since: number
  after: readonly [number, number] | null
  take_back: boolean
}

export interface ClaimAnswer {
  completed?: number
  settled?: [id: number, status: JobStatus][]
  refused?: number[]
  dependents?: number
  jobs?: ClaimedJob[]
  met?: Record<string, MetDependency[]>
  cancel?: number[]
  expanded?: number
  blocked?: number
  contended?: number
  expired?: boolean
  alone?: boolean
  since?: number
  after?: [number, number] | null
  stop?: 'empty' | 'capacity' | 'deadline' | 'paused'
  remaining?: number
  wake_ms?: number | null
  skew?: string[]
}

/** JobMaster's functions in one schema of one database. */
export interface Queue {
  db: Database
  schema: string
}

/** Hands in the outcomes of what an invocation ran, and takes what it runs next. */
export async function settleAndClaim(queue: Queue, request: ClaimRequest): Promise<ClaimAnswer> {
  // The answer is our own function's: its shape is settle_and_claim's, and trusted.
  return (await call(queue, sql`settle_and_claim(${JSON.stringify(request)}::text::jsonb)`)) as ClaimAnswer
}

/** Inserts jobs, all or none, and returns them in the order given. */
export async function insertJobs(queue: Queue, items: readonly NewJob[]): Promise<Job[]> {
  const inserted = (await call(queue, insertJobsCall(items))) as InsertedJob[]
  return inserted.map(([id, status, maxAttempts, processUnits, createdAt, runAt, args], index) => ({
    id,
    task: items[index]?.task ?? '',
    args,
    priority: items[index]?.priority ?? 0,
    status,
    attempt: 0,
    maxAttempts,
    failures: 0,
    processUnits,
    system: null,
    createdAt: new Date(createdAt),
    runAt: new Date(runAt),
    startedAt: null,
    finishedAt: null,
    leaseUntil: null,
    result: null,
    error: null,
    parentId: null,
  }))
}

type InsertedJob = [
  id: number,
  status: JobStatus,
  maxAttempts: number,
  processUnits: number,
  createdAt: string,
  runAt: string,
  args: Job['args'],
]

/** The statement that inserts jobs, for whoever runs it: an application's transaction, or a neon-http batch. */
export function insertJobsStatement(schema: string, items: readonly NewJob[]): SQL {
  return sql`select ${sql.identifier(schema)}.${insertJobsCall(items)} as answer`
}

/** In UTF-16 units. Postgres takes 256 MB in one value of jsonb, and a worker has 128 MB in all. */
const maximumInsert = 67_108_864

function insertJobsCall(items: readonly NewJob[]): SQL {
  let length = 0
  // One by one, to stop before there is a text that is too long to have.
  const texts = items.map((item) => {
    const text = JSON.stringify(item)
    length += text.length
    if (length > maximumInsert) {
      throw new JobMasterError(
        'JM005',
        `${items.length} jobs are more than ${maximumInsert} characters of JSON, the most that one statement takes: insert fewer at once`,
      )
    }
    return text
  })
  return sql`insert_jobs(${`[${texts.join(',')}]`}::text::jsonb)`
}

/** Why a job does not run, a reason a line. */
export async function explain(queue: Queue, id: number): Promise<string> {
  const [row] = await run(queue, sql`explain(${id}::bigint)`)
  return String(row?.answer)
}

export interface ListOptions {
  status?: JobStatus
  /** `cool.bar` */
  task?: string
  /** 50 when not given, 1,000 at the most. */
  limit?: number
  /** From the last answer: goes on after it. */
  cursor?: string
}

/** One job, or null. */
export async function getJob({ db, schema }: Queue, id: number): Promise<Job | null> {
  const [row] = await query(db, sql`${selectJobs(schema)} where job.id = ${id}::bigint`)
  return row ? parseJob(row.job) : null
}

/**
 * Jobs, the newest first.
 * @throws JobMasterError JM008 naming the option that is wrong.
 */
export async function listJobs(
  { db, schema }: Queue,
  { status, task, limit = 50, cursor }: ListOptions,
): Promise<{ jobs: Job[]; cursor: string | null }> {
  if (status !== undefined && !jobStatuses.includes(status))
    throw refused('status', `one of ${jobStatuses.join(', ')}`, status)
  if (!(Number.isInteger(limit) && limit >= 1)) throw refused('limit', 'a whole number from 1', limit)
  if (cursor !== undefined && !/^\d{1,18}$/.test(cursor)) throw refused('cursor', 'the one of an answer', cursor)
  const conditions = [
    status && sql`job.status = ${status}`,
    task && sql`task.type_key || '.' || task.task_key = ${task}`,
    cursor && sql`job.id < ${cursor}::bigint`,
  ].filter((condition): condition is SQL => Boolean(condition))
  const where = conditions.length ? sql`where ${sql.join(conditions, sql` and `)}` : sql``
  const most = Math.min(limit, 1_000)
  const rows = await query(db, sql`${selectJobs(schema)} ${where} order by job.id desc limit ${most + 1}::integer`)
  const jobs = rows.slice(0, most).map((row) => parseJob(row.job))
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
      'result', job.result, 'error', job.error, 'parentId', job.parent_id
    ) as job
    from ${tables}.jobs job
    join ${tables}.tasks task on task.id = job.task_id`
}

function parseJob(value: unknown): Job {
  // Our own statement's object, with times as text.
  const job = json(value) as Job
  for (const key of ['createdAt', 'runAt', 'startedAt', 'finishedAt', 'leaseUntil'] as const) {
    const time = job[key]
    if (time !== null) job[key] = new Date(time)
  }
  return job
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

async function call(queue: Queue, invocation: SQL): Promise<unknown> {
  const [row] = await run(queue, invocation)
  return json(row?.answer)
}

function run({ db, schema }: Queue, invocation: SQL): Promise<Row[]> {
  return query(db, sql`select ${sql.identifier(schema)}.${invocation} as answer`)
}
