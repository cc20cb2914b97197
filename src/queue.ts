import { sql, type SQL } from 'drizzle-orm'
import { type Database, hasFunction, json, query } from './database.ts'
import { JobMasterError } from './errors.ts'
import type { InsertedGroup } from './groups.ts'
import type { InsertedJob, Job, JobError, JobStatus } from './job.ts'
import type { Retained } from './retention.ts'
import type { After, Json, Unique } from './task.ts'

/** One job to insert, as `insert_jobs` takes it. */
export interface NewJob {
  task: string
  args: unknown
  /** 0 when left out. */
  priority?: number | undefined
  run_at?: string | undefined
  unique?: Unique | undefined
  unique_key?: string | undefined
  debounce_seconds?: number | undefined
  after?: After | undefined
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
  problem?: string | null,
  trace?: string | null,
]

/** What a dependency was met by: task, job id, arguments, result; and the job that has the dependency. */
export type MetDependency = readonly [
  task: string,
  id: number,
  args: Record<string, Json>,
  result: Json,
  dependent: number,
]

/** One attempt that did not complete. `sql/settle.sql` says what each outcome does. */
export interface Outcome {
  id: number
  attempt: number
  outcome: 'failed' | 'fatal' | 'interrupted' | 'released'
  error?: JobError
  retry_ms?: number
}

/** A schedule whose ticks have to be computed, as `sql/fire.sql` asks for them. */
export type AskedSchedule = readonly [
  id: number,
  cron: string,
  timezone: string,
  catchUp: string,
  computedUntil: string,
  now: string,
]

/** The ticks of a schedule, as `sql/add_ticks.sql` takes them. */
export type Ticks = readonly [id: number, cron: string, timezone: string, computedUntil: string, ticks: string[]]

/** What a handler said since the last call, as `sql/note.sql` takes it. Ages are in milliseconds. */
export type Note = readonly [
  id: number,
  attempt: number,
  progress: readonly [value: number, message: string | null] | null,
  lines: readonly (readonly [line: number, age: number, message: string])[],
]

/** What `sql/settle_and_claim.sql` describes. */
export interface ClaimRequest {
  version: 1
  invocation: string
  sequence: number
  system: string
  units: number
  tasks: Readonly<Record<string, string>>
  /** Sent as settle takes it. */
  completed: readonly (readonly [id: number, attempt: number, result?: Json | undefined])[]
  outcomes: readonly Outcome[]
  limit: number
  lease_ms: number
  time_left_ms: number
  started: number
  held: number
  beside: boolean
  repeat: boolean
  since: number
  after: readonly [number, number] | null
  take_back: boolean
  keep?: Retained | undefined
  ticks?: readonly Ticks[] | undefined
  notes?: readonly Note[] | undefined
}

export interface ClaimAnswer {
  took_ms?: number
  completed?: number
  settled?: [id: number, status: JobStatus][]
  refused?: number[]
  dependents?: number
  jobs: ClaimedJob[]
  met: MetDependency[]
  cancel?: number[] | null
  expanded?: number
  blocked?: number
  contended?: number
  queued?: boolean
  expired?: boolean | null
  alone?: boolean
  since?: number | null
  after?: [number, number] | null
  stop?: 'empty' | 'capacity' | 'deadline' | 'paused'
  remaining?: number
  wake_ms?: number | null
  /** Until a rate lets a waiting job start. */
  rate_ms?: number | null
  skew?: string[]
  schedules?: AskedSchedule[]
  overdue?: boolean
}

/** JobMaster's functions in one schema of one database. */
export interface Queue {
  db: Database
  schema: string
}

/** Hands in the outcomes of what an invocation ran, and takes what it runs next. */
export async function settleAndClaim(queue: Queue, request: ClaimRequest): Promise<ClaimAnswer> {
  const text = JSON.stringify({
    ...request,
    completed: {
      ids: `{${request.completed.map(([id]) => id)}}`,
      attempts: `{${request.completed.map(([, attempt]) => attempt)}}`,
      // Only of those that have one: to make an entry for each job takes longer than all else here.
      results: Object.fromEntries(
        request.completed.filter(([, , result]) => result !== undefined).map(([id, , result]) => [id, result]),
      ),
    },
  })
  // The answer is our own function's: its shape is settle_and_claim's, and trusted.
  const given = sql`settle_and_claim(${text}::text::jsonb`
  // In a transaction of the caller's the function: the procedure commits.
  const answer = (await (hasFunction(queue.db, 'rollback')
    ? call(queue, sql`${given})`)
    : run(queue, sql`call ${sql.identifier(queue.schema)}.${given}, null)`))) as ClaimAnswer
  answer.jobs.sort((left, right) => right[3] - left[3] || left[0] - right[0])
  return answer
}

/** What a group calls: see `sql/insert_group.sql`. */
export interface Callbacks {
  onComplete?: NewJob | undefined
  onFailed?: NewJob | undefined
}

/** Inserts jobs, all or none, and returns them in the order given; as a group where callbacks are given, or `{}`. */
export async function insertJobs(queue: Queue, items: readonly NewJob[], callbacks?: Callbacks): Promise<Inserted> {
  const text = textOf(items)
  const { ids, scheduled, created_at, tasks, jobs, group } = (await call(
    queue,
    insertJobsCall(text, callbacks),
  )) as InsertAnswer
  const parse = jobs && (await import('./inspect.ts')).parseJob
  const set = new Set(scheduled)
  const createdAt = Date.parse(created_at)
  // As they were sent: what the caller changes meanwhile, or JSON leaves out, is not in the database.
  const sent = JSON.parse(text) as (NewJob & { args?: Job['args'] })[]
  const inserted = sent.map((given, index): InsertedJob => {
    // An answer has an id for each item, and says of each task what its jobs have in common.
    const id = ids[index] as number
    const told = jobs?.[index]
    if (told && parse) return parse(told)
    const [maxAttempts, processUnits, defaults] = tasks[given.task] as TaskFacts
    return {
      id,
      task: given.task,
      args: { ...defaults, ...given.args },
      priority: given.priority ?? 0,
      status: set.has(id) ? 'scheduled' : 'waiting',
      attempt: 0,
      maxAttempts,
      failures: 0,
      processUnits,
      system: null,
      createdAt: new Date(createdAt),
      runAt: new Date(given.run_at ?? createdAt),
      startedAt: null,
      finishedAt: null,
      leaseUntil: null,
      result: null,
      error: null,
      parentId: null,
      groupId: group?.id ?? null,
      progress: null,
    }
  })
  return { jobs: inserted, group }
}

export interface Inserted {
  jobs: InsertedJob[]
  group?: InsertedGroup | undefined
}

interface InsertAnswer {
  ids: number[]
  scheduled: number[] | null
  created_at: string
  tasks: Record<string, TaskFacts>
  /** By position, those of which more has to be said: they were there, or are put off. */
  jobs?: Record<number, InsertedJob>
  group?: InsertedGroup
}

type TaskFacts = [maxAttempts: number, processUnits: number, defaults: Job['args']]

/** The statement that inserts jobs, for whoever runs it: an application's transaction, or a neon-http batch. */
export function insertJobsStatement(schema: string, items: readonly NewJob[]): SQL {
  return sql`select ${sql.identifier(schema)}.${insertJobsCall(textOf(items))} as answer`
}

/** In UTF-16 units. Postgres takes 256 MB in one value of jsonb, and a worker has 128 MB in all. */
const maximumInsert = 67_108_864

function textOf(items: readonly NewJob[]): string {
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
  return `[${texts.join(',')}]`
}

function insertJobsCall(items: string, callbacks?: Callbacks): SQL {
  return sql`insert_jobs(${callbacks ? `{"items":${items},"callbacks":${JSON.stringify(callbacks)}}` : items}::text::jsonb)`
}

function call(queue: Queue, invocation: SQL): Promise<unknown> {
  return run(queue, sql`select ${sql.identifier(queue.schema)}.${invocation} as answer`)
}

async function run({ db }: Queue, statement: SQL): Promise<unknown> {
  const [row] = await query(db, statement)
  return json(row?.answer)
}
