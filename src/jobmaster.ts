import type { SQL } from 'drizzle-orm'
import type { Control } from './control.ts'
import { type Database, hasFunction, statementsAtOnce } from './database.ts'
import { drain, type Invocation } from './drain.ts'
import { JobMasterError } from './errors.ts'
import type { DeployedSchedule } from './deployed-schedules.ts'
import type { DeployedTask, Graph } from './graph.ts'
import type { Group, GroupInsert, GroupOptions } from './groups.ts'
import type { Attempt, ListOptions, LogLine, Status } from './inspect.ts'
import type { InsertedJob, Job } from './job.ts'
import { jsonProblem } from './json.ts'
import type { Logger } from './logger.ts'
import type { DeployOptions, Deployment, Plan } from './plan.ts'
import * as queue from './queue.ts'
import { type Retention, retentionSeconds } from './retention.ts'
import type { Report } from './report.ts'
import type { RunOptions } from './run-options.ts'
import type { Args, InsertOptions, JobOptions, Task, Transaction, TransactionOption } from './task.ts'
import { tasksOf } from './tasks.ts'
import type { Telemetry } from './telemetry.ts'

export interface JobMasterOptions<M extends Record<string, object>> {
  /** Any Drizzle database for Postgres. */
  db: unknown
  /** Modules of tasks and schedules: key = type key, export name = task key. What is neither is passed over. */
  tasks?: M
  /** The Postgres schema. `jobmaster` when not given. */
  schema?: string
  /** The pool of process units that invocations take from. Else `JOBMASTER_SYSTEM` of env, else `default`. */
  system?: string
  /** Else `JOBMASTER_SYSTEM_PROCESS_UNITS` of env when it is a whole number, else 10,000. */
  systemProcessUnits?: number
  /** The platform's environment, handed to handlers as `ctx.env`. `process.env` where there is one and none is given. */
  env?: object
  /** Called by adapters once an invocation is over, to close the database. */
  close?: () => Promise<void> | void
  /** Milliseconds since 1970: the clock of deadlines. `Date.now` when not given. Rules go by the database's clock. */
  now?: () => number
  /** Traces and measures inserts, drains, claims and jobs: `openTelemetry()` of `jobmaster/opentelemetry`. */
  telemetry?: Telemetry
  /** How long finished jobs are kept; they are deleted in small bites by the calls of drains. For ever when not given. */
  keep?: Retention
  /** Told of each job that ended and of each drain: pino, or `console`. Nobody is when not given. */
  logger?: Logger
}

export interface InsertManyItem<T extends Task | string> extends JobOptions {
  task: T
  args: Args<T>
}

export interface JobMaster extends Control {
  /** The Postgres schema, the system, and its process units, as they came out of options, env and defaults. */
  readonly schema: string
  readonly system: string
  readonly systemProcessUnits: number
  /** Creates or updates tables, functions and catalog, all or nothing. `{ reset: true }` drops the schema first. */
  deploy(options?: DeployOptions): Promise<Plan>
  /** What `deploy` would change, and what it would refuse, without changing anything. */
  plan(options?: DeployOptions): Promise<Plan>
  /**
   * Inserts a job: a task with arguments. The database checks it. A task can be named, `cool.bar`, without its code. Of one
   * that has to be unique, the job that there is may be the answer: `existing` says so.
   */
  insert<T extends Task | string>(task: T, args: Args<T>, options?: InsertOptions): Promise<InsertedJob>
  /** Inserts jobs, all or none, in one statement. In the order given. */
  insertMany<const T extends readonly (Task | string)[]>(
    items: { [I in keyof T]: InsertManyItem<T[I]> },
    options?: TransactionOption & { group?: undefined },
  ): Promise<InsertedJob[]>
  /** As a group: its counts are `jobs.group(id)`, other jobs wait for it by `after`, and what it calls runs once it has ended. */
  insertMany<const T extends readonly (Task | string)[], C extends Task | string, F extends Task | string>(
    items: { [I in keyof T]: InsertManyItem<T[I]> },
    options: TransactionOption & { group: true | GroupOptions<C, F> },
  ): Promise<GroupInsert>
  /** The statement of an insert, for a neon-http batch of the application's: `db.batch([db.execute(query), …])`. */
  insertQuery<T extends Task | string>(task: T, args: Args<T>, options?: JobOptions): SQL
  /** Runs jobs until none is left that may run now, or the deadline is near. */
  runUntilEmpty(deadline: Date, options?: RunOptions): Promise<Report>
  /** A job, or null. */
  get(id: number): Promise<Job | null>
  /** Jobs, the newest first; `cursor` of one answer goes on after it. */
  list(options?: ListOptions): Promise<{ jobs: Job[]; cursor: string | null }>
  /** How far a group is: how many of its jobs are in each status. Also by the id of an ALL job, of its children. */
  group(id: number): Promise<Group>
  /** How many jobs there are in each status, and what is in use. */
  status(): Promise<Status>
  /** Depth, oldest waiting age, units in use and how many attempts ended how, in the text format of Prometheus. */
  metrics(): Promise<string>
  /** The attempts of a job, the newest 100: when each began and ended, how, and its error. */
  attempts(id: number): Promise<Attempt[]>
  /** What a job's handler logged, the oldest line first: of each attempt the newest 200, of the newest ten attempts. */
  log(id: number): Promise<LogLine[]>
  /** Why a job does not run, or what became of it: a reason a line, by its name. */
  explain(id: number): Promise<string>
  /** The deployed tasks, with their parameters. */
  tasks(): Promise<DeployedTask[]>
  /** The deployed schedules, with their last and their next tick. */
  schedules(): Promise<DeployedSchedule[]>
  /** Tasks, what depends on what, and how fresh each is. */
  graph(): Promise<Graph>
  /** For tools that ask the tables themselves, as the dashboard does: runs `work` with the database and the schema. */
  read<T>(work: (queue: queue.Queue) => Promise<T>): Promise<T>
  /** For a signed trigger: `recorded` the first time, in the five minutes after the time it carries; else why not. */
  recordSignature(signature: string, signedAt: Date): Promise<'recorded' | 'replayed' | 'expired'>
  /** How many of the jobs that wait could run at once now besides those that run, at most so many. */
  room(most: number): Promise<number>
  /** Closes what `close` of the options closes. */
  close(): Promise<void>
}

/**
 * JobMaster on a database. Opens nothing and asks nothing: it is cheap, and on edge it is made for each invocation.
 * @throws JobMasterError when an option is of the wrong kind.
 */
export function createJobMaster<const M extends Record<string, object> = Record<never, object>>(
  options: JobMasterOptions<M>,
): JobMaster {
  const env = options.env ?? processEnv()
  const schema = options.schema ?? 'jobmaster'
  const system = options.system ?? (text(env, 'JOBMASTER_SYSTEM') || 'default')
  const units = options.systemProcessUnits ?? wholeNumber(text(env, 'JOBMASTER_SYSTEM_PROCESS_UNITS')) ?? 10_000
  const now = options.now ?? Date.now
  const { telemetry, logger } = options
  const db = databaseOf(options.db)
  checkUnits(units)
  const keep = options.keep && retentionSeconds(options.keep)
  const modules = options.tasks ?? {}
  const tasks = tasksOf(modules)
  const place: queue.Queue = { db, schema }
  const deployment: Deployment = { db, schema, modules, units }

  /** After `drizzle-kit push` alone, the first call of a role that may adds functions and catalog. */
  async function deployed<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof JobMasterError) || !undeployed.has(error.code)) throw error
      const { finishPush } = await import('./deploy.ts')
      const found = await finishPush(deployment).catch((refused: unknown) => {
        throw refused instanceof JobMasterError && refused.code === '42501' ? notDeployed(refused) : refused
      })
      if (found === 'nothing') throw notDeployed(error)
      // Everything may have been there, since a moment ago: another invocation was first. What is not there now, a deploy adds.
      return alreadyDeployed(work)
    }
  }

  /** Where nothing can be finished and tried again: in a transaction that is not ours, or when it has been. */
  async function alreadyDeployed<T>(work: () => Promise<T>): Promise<T> {
    return work().catch((error: unknown) => {
      throw error instanceof JobMasterError && undeployed.has(error.code) ? notDeployed(error) : error
    })
  }

  function notDeployed(cause: JobMasterError): JobMasterError {
    const message = `JobMaster is not deployed in schema ${JSON.stringify(schema)} of this database: run \`jobmaster deploy\`, or await jobs.deploy(), once (${cause.message})`
    return new JobMasterError('JM010', message, { cause })
  }

  function newJob(
    task: Task | string,
    args: unknown,
    { priority = 0, runAt, unique, uniqueKey, debounceSeconds, after }: JobOptions = {},
  ): queue.NewJob {
    const name = typeof task === 'string' ? task : tasks.nameOf(task)
    if (name === undefined) {
      throw new JobMasterError(
        'JM001',
        'unknown task: it is not in the `tasks` given to createJobMaster, or stands there more than once; add its module, or name it, as "type.task"',
      )
    }
    const unnameable = jsonProblem(name, 'its name')
    if (unnameable) throw new JobMasterError('JM001', `unknown task: ${unnameable}`)
    const problem = jsonProblem(args, 'args')
    if (problem) throw new JobMasterError('JM004', `${name}: ${problem}`)
    if (!Number.isInteger(priority)) {
      throw new JobMasterError('JM008', `${name}: priority must be a whole number, got ${String(priority)}`)
    }
    // The comparison fails for an invalid Date. Other years are written in a form that Postgres does not read.
    if (
      runAt !== undefined &&
      !(runAt instanceof Date && runAt.getUTCFullYear() >= 1 && runAt.getUTCFullYear() <= 9999)
    ) {
      throw new JobMasterError(
        'JM008',
        `${name}: runAt must be a valid Date in the years 1 to 9999, got ${String(runAt)}`,
      )
    }
    const wish = { unique, uniqueKey, debounceSeconds, after }
    const impossible = jsonProblem(wish, 'its options', { leaveOutUndefined: true })
    if (impossible) throw new JobMasterError('JM008', `${name}: ${impossible}`)
    return {
      task: name,
      args,
      priority: priority || undefined,
      run_at: runAt?.toISOString(),
      unique,
      unique_key: uniqueKey,
      debounce_seconds: debounceSeconds,
      after,
    }
  }

  async function insertJobs(
    items: readonly queue.NewJob[],
    tx: Transaction | undefined,
    callbacks?: queue.Callbacks,
  ): Promise<queue.Inserted> {
    if (items.length === 0 && !callbacks) return { jobs: [] }
    const within: queue.Queue =
      tx === undefined
        ? place
        : { db: databaseOf(tx, 'tx must be a Drizzle transaction, as db.transaction(…) gives it'), schema }
    const guarded = tx === undefined ? deployed : alreadyDeployed
    const send = (trace?: string) =>
      guarded(() => queue.insertJobs(within, trace ? items.map((item) => ({ ...item, trace })) : items, callbacks))
    return telemetry
      ? telemetry.send(
          items.map((item) => item.task),
          send,
        )
      : send()
  }

  async function insert(task: Task | string, args: unknown, insertOptions?: InsertOptions): Promise<InsertedJob> {
    const {
      jobs: [job],
    } = await insertJobs([newJob(task, args, insertOptions)], insertOptions?.tx)
    if (!job) throw new JobMasterError('JM010', 'insert_jobs answered no job: deploy again')
    return job
  }

  function insertQuery(task: Task | string, args: unknown, jobOptions?: JobOptions): SQL {
    return queue.insertJobsStatement(schema, [newJob(task, args, jobOptions)])
  }

  const commit: Invocation['commit'] = async (...rest) => {
    const imported = await import('./commit.ts')
    return alreadyDeployed(() => imported.commit(place, ...rest))
  }

  /** What few invocations call is imported when they do. */
  function operated<V extends keyof Control>(verb: V): Control[V] {
    const call = (...args: unknown[]) =>
      deployed(async () => Reflect.apply((await import('./control.ts')).controlOf(place)[verb], undefined, args))
    // It takes and answers what the verb does.
    return call as Control[V]
  }

  const jobs: JobMaster = {
    schema,
    system,
    systemProcessUnits: units,
    deploy: async (deployOptions) => (await import('./deploy.ts')).deploy(deployment, deployOptions),
    plan: async (deployOptions) => (await import('./plan.ts')).plan(deployment, deployOptions),
    insert,
    insertMany: async (
      items: readonly InsertManyItem<Task | string>[],
      { tx, group }: TransactionOption & { group?: true | GroupOptions<Task | string, Task | string> | undefined } = {},
    ) => {
      const newJobs = items.map((item) => newJob(item.task, item.args, item))
      const callbacks = group && (await import('./groups.ts')).callbacksOf(group, newJob)
      const inserted = await insertJobs(newJobs, tx, callbacks)
      // The type says which answer is for which options; an arrow cannot.
      return (group ? inserted : inserted.jobs) as never
    },
    insertQuery,
    runUntilEmpty: async (deadline, runOptions) => {
      // The types of db and env are the application's, by Register.
      const context = { db: options.db, env, insert, insertQuery } as Invocation['context']
      const settleAndClaim = (request: queue.ClaimRequest) => {
        const call = () => deployed(() => queue.settleAndClaim(place, request))
        return telemetry ? telemetry.receive(system, call) : call()
      }
      const invocation: Invocation = {
        tasks,
        system,
        units,
        keep,
        now,
        settleAndClaim,
        statementsAtOnce: statementsAtOnce(place.db),
        telemetry,
        logger,
        context,
        commit,
      }
      const start = (given?: RunOptions) => drain(invocation, deadline, given)
      const run = async () =>
        logger ? (await import('./logger.ts')).logged(logger, system, runOptions ?? {}, start) : start(runOptions)
      return telemetry ? telemetry.drain(system, run) : run()
    },
    get: (id) => deployed(async () => (await import('./inspect.ts')).getJob(place, id)),
    list: (listOptions = {}) => deployed(async () => (await import('./inspect.ts')).listJobs(place, listOptions)),
    group: (id) => deployed(async () => (await import('./groups.ts')).group(place, id)),
    status: () => deployed(async () => (await import('./inspect.ts')).status(place)),
    metrics: () => deployed(async () => (await import('./metrics.ts')).metrics(place)),
    attempts: (id) => deployed(async () => (await import('./inspect.ts')).attempts(place, id)),
    log: (id) => deployed(async () => (await import('./inspect.ts')).log(place, id)),
    explain: (id) => deployed(async () => (await import('./inspect.ts')).explain(place, id)),
    cancel: operated('cancel'),
    retry: operated('retry'),
    change: operated('change'),
    delete: operated('delete'),
    pause: operated('pause'),
    resume: operated('resume'),
    prune: operated('prune'),
    tasks: () => deployed(async () => (await import('./graph.ts')).deployedTasks(place)),
    schedules: () => deployed(async () => (await import('./deployed-schedules.ts')).deployedSchedules(place)),
    graph: () => deployed(async () => (await import('./graph.ts')).graph(place)),
    read: (work) => deployed(() => work(place)),
    recordSignature: (signature, signedAt) =>
      deployed(async () => (await import('./trigger.ts')).recordSignature(place, signature, signedAt)),
    room: (most) =>
      deployed(async () => (await import('./trigger.ts')).room(place, { system, units, hashes: tasks.hashes }, most)),
    close: async () => options.close?.(),
  }
  return Object.freeze(jobs)
}

/** What a statement fails with where our schema, tables or functions are not there. */
const undeployed = new Set(['42883', '42P01', '3F000'])

function databaseOf(
  db: unknown,
  problem = 'createJobMaster: db must be a Drizzle database for Postgres, as drizzle(…) makes it',
): Database {
  // Every Drizzle database for Postgres has what Database asks for; one for another database has no execute.
  if (hasFunction(db, 'execute')) return db as unknown as Database
  throw new JobMasterError('JM008', problem)
}

function checkUnits(units: number): void {
  if (!Number.isInteger(units) || units < 1 || units > 2_147_483_647) {
    throw new JobMasterError(
      'JM008',
      `createJobMaster: systemProcessUnits must be a whole number from 1, got ${String(units)}`,
    )
  }
}

/** Where there is a process; on edge the platform's env is given. */
function processEnv(): object {
  const { process } = globalThis as { process?: { env?: object } }
  return process?.env ?? {}
}

function text(env: object, name: string): string | undefined {
  const value: unknown = Reflect.get(env, name)
  return typeof value === 'string' ? value : undefined
}

/** As the first users were promised: what is not formatted like a whole number counts as not set. */
function wholeNumber(value: string | undefined): number | undefined {
  if (value === undefined || !/^\s*[+-]?\d+\s*$/.test(value)) return undefined
  const number = Number(value)
  return number >= 1 && number <= 2_147_483_647 ? number : undefined
}
