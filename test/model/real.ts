import { randomUUID } from 'node:crypto'
import type { SQL } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { createJobMaster, type JobMaster, NonRetriable, RetryAfter } from 'jobmaster'
import { type ClaimAnswer, type ClaimRequest, type Outcome, settleAndClaim } from '../../src/queue.ts'
import { deadlineIn } from '../support/deadline.ts'
import { type OpenDatabase, openDatabase } from '../support/open.ts'
import { catalogs, modulesOf } from './catalogs.ts'
import type { Command, Ending, NewJob } from './commands.ts'
import { Model, type Row, same } from './model.ts'

/** An invocation between two of its calls. */
interface Invocation {
  id: string
  system: string
  units: number
  tasks: Readonly<Record<string, string>>
  sequence: number
  started: number
  since: number
  after: ClaimRequest['after']
  takeBack: boolean
  held: { id: number; attempt: number }[]
}

const systems = [
  ['default', 10],
  ['default', 10],
  ['other', 8],
] as const

const dialect = new PgDialect()

/** One database for all sequences of a run, deployed once, with a clock that stands still until it is told. */
export async function openReal(): Promise<Real> {
  const database = await openDatabase()
  const real = new Real(database)
  await real.prepare()
  return real
}

/** Runs commands against the real queue, and lets the model judge after each. */
export class Real {
  private readonly database: OpenDatabase
  /** One for each version of the application. */
  private readonly versions: JobMaster[]
  private model = new Model(catalogs[0]!)
  private version = 0
  private invocations = new Map<number, Invocation>()
  private run: (id: number) => void = () => {}
  /** The first that the model did not allow in the command that is being carried out. */
  private violation: Error | undefined

  constructor(database: OpenDatabase) {
    this.database = database
    const db = this.watched()
    this.versions = catalogs.map(({ definitions }) =>
      createJobMaster({ db, tasks: modulesOf(definitions, (id) => this.run(id)), systemProcessUnits: 10 }),
    )
  }

  async prepare(): Promise<void> {
    await this.versions[0]!.deploy()
    await this.database.sql(`
      create schema model;
      create table model.time (microseconds bigint not null);
      insert into model.time values (0);
      create or replace function jobmaster.clock() returns timestamptz language sql volatile as $fn$
        select timestamptz '2030-01-01 00:00:00Z' + microseconds * interval '1 microsecond' from model.time
      $fn$`)
  }

  /** From an empty queue; throws where the real one did what the model does not allow. */
  async play(commands: readonly Command[]): Promise<void> {
    await this.reset()
    for (const [index, command] of commands.entries()) {
      try {
        await this.step(command)
        if (this.violation) throw this.violation
        // After a call the model has looked already, and what else is left out changes no job.
        if (['insert', 'cancel', 'retry', 'deploy'].includes(command.do)) this.compare(await this.rows())
      } catch (error) {
        throw new Error(`command ${index + 1}, ${command.do}: ${this.violation?.message ?? (error as Error).message}`, {
          cause: error,
        })
      }
    }
  }

  private async reset(): Promise<void> {
    if (this.version !== 0) await this.versions[0]!.deploy()
    await this.database.sql(`
      truncate jobmaster.jobs, jobmaster.job_keys, jobmaster.completions, jobmaster.blockers restart identity;
      update model.time set microseconds = 0`)
    this.version = 0
    this.model = new Model(catalogs[0]!)
    this.invocations = new Map()
    this.violation = undefined
  }

  private async step(command: Command): Promise<void> {
    const jobs = this.versions[this.version]!
    switch (command.do) {
      case 'insert':
        return this.insert(command.jobs)
      case 'call':
        return this.call(command)
      case 'crash':
        this.invocations.delete(command.who)
        return
      case 'pass':
        this.model.now += command.seconds * 1_000_000
        await this.database.sql`update model.time set microseconds = ${this.model.now}`
        return
      case 'cancel':
      case 'retry': {
        const id = this.jobNumber(command.job)
        const real = await jobs[command.do](id).then(({ status }) => status, codeOf)
        same(real, this.model[command.do](id), `${command.do} #${id}`)
        return
      }
      case 'deploy':
        this.version = command.version
        await this.versions[command.version]!.deploy()
        this.model.deploy(catalogs[command.version]!)
        return
      case 'runUntilEmpty':
        return this.runUntilEmpty(command)
    }
  }

  private async insert(newJobs: readonly NewJob[]): Promise<void> {
    const now = Date.parse('2030-01-01T00:00:00Z') + this.model.now / 1_000
    const items = newJobs.map(({ task, args, priority, inSeconds }) => ({
      task: `m.${task}`,
      args: args as never,
      priority,
      ...(inSeconds > 0 && { runAt: new Date(now + inSeconds * 1_000) }),
    }))
    const inserted = await this.versions[this.version]!.insertMany(items).catch(codeOf)
    const allowed = newJobs.every(({ task }) => this.model.canInsert(task))
    if (typeof inserted === 'string' || !allowed) return same(inserted, 'JM001', 'an insert of a task that is retired')
    for (const [index, { id }] of inserted.entries()) {
      const { task, args, priority, inSeconds } = newJobs[index]!
      this.model.insert(id, task, args, priority, this.model.now + inSeconds * 1_000_000)
    }
  }

  private async call({ who, limit, endings, timeLeftMs, lostAnswer }: Command & { do: 'call' }): Promise<void> {
    const invocation = this.invocations.get(who) ?? this.begin(who)
    const ended = invocation.held.map((job, index) => ({ ...job, ending: endings[index % endings.length]! }))
    const held = ended.filter(({ ending }) => ending === 'held')
    invocation.sequence += 1
    const { id, system, units, tasks, sequence, started, since, after, takeBack } = invocation
    const request: ClaimRequest = {
      version: 1,
      invocation: id,
      sequence,
      system,
      units,
      tasks,
      completed: ended.filter(({ ending }) => ending === 'completed').map((job) => [job.id, job.attempt]),
      outcomes: ended.flatMap(outcomeOf),
      limit,
      lease_ms: timeLeftMs + 30_000,
      time_left_ms: timeLeftMs,
      started,
      held: held.length,
      beside: false,
      repeat: false,
      since,
      after,
      take_back: takeBack,
    }
    const queue = { db: this.watched(), schema: 'jobmaster' }
    let answer = await settleAndClaim(queue, request)
    if (lostAnswer) answer = await settleAndClaim(queue, { ...request, repeat: true })
    const taken = answer.jobs.map((job) => ({ id: job[0], attempt: job[2] }))
    invocation.held = [...held.map(({ id, attempt }) => ({ id, attempt })), ...taken]
    invocation.started += taken.length
    invocation.since = answer.since ?? since
    invocation.after = answer.after ?? null
    invocation.takeBack = answer.expired ?? false
  }

  private begin(who: number): Invocation {
    const [system, units] = systems[who]!
    const tasks = catalogs[this.version]!.hashes
    const fresh = { sequence: 0, started: 0, since: 0, after: null, takeBack: false, held: [] }
    const invocation: Invocation = { id: randomUUID(), system, units, tasks, ...fresh }
    this.invocations.set(who, invocation)
    return invocation
  }

  private async runUntilEmpty({ batchSize, concurrency, endings }: Command & { do: 'runUntilEmpty' }): Promise<void> {
    const ran: number[] = []
    this.taken = []
    this.run = (id) => {
      ran.push(id)
      const ending = endings[ran.length % endings.length]!
      if (ending === 'failed') throw new Error('no')
      if (ending === 'retryAfter') throw new RetryAfter(1_000)
      if (ending === 'fatal') throw new NonRetriable('never')
    }
    const report = await this.versions[this.version]!.runUntilEmpty(deadlineIn(60_000), { batchSize, concurrency })
    same(ran, this.taken, 'what ran, in the order in which it was handed out')
    const waiting = [...this.model.jobs.values()].filter(({ status }) => status === 'waiting').length
    same(report.remaining, waiting, 'how many jobs the report says are waiting')
  }

  /** What the last drain was given to run: a job that comes with a problem is not run. */
  private taken: number[] = []

  /** The database, where the model looks at each call of settle_and_claim. */
  private watched(): OpenDatabase['db'] {
    return new Proxy(this.database.db, {
      get: (target, name) => {
        if (name === 'execute') return (query: SQL) => this.execute(query)
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  private async execute(query: SQL): Promise<unknown> {
    const result = await this.database.db.execute(query)
    const { sql, params } = dialect.sqlToQuery(query)
    if (!sql.includes('settle_and_claim')) return result
    const request = requestOf(String(params[0]))
    const { answer: text } = (result as unknown as { rows: { answer: string }[] }).rows[0]!
    const answer = JSON.parse(text) as ClaimAnswer
    answer.jobs?.sort((left, right) => right[3] - left[3] || left[0] - right[0])
    try {
      const rows = await this.rows()
      this.model.settleAndClaim(request, answer, rows)
      this.compare(rows)
    } catch (error) {
      // A drain would take it for the database's, and call again.
      this.violation ??= error as Error
    }
    this.taken.push(...answer.jobs.filter((job) => job[5] == null).map(([id]) => id))
    return result
  }

  private compare(rows: readonly Row[]): void {
    const real = new Map(rows.map((row) => [row.id, row]))
    same(
      [...real.keys()],
      [...this.model.jobs.keys()].toSorted((left, right) => left - right),
      'which jobs there are',
    )
    for (const { invocation: _, sequence: __, ...job } of this.model.jobs.values()) {
      const row = real.get(job.id)!
      for (const [field, value] of Object.entries(job))
        same(row[field as keyof Row], value, `#${job.id} ${job.task}, ${field}`)
    }
  }

  private async rows(): Promise<Row[]> {
    const [row] = await this.database.sql<{ jobs: Row[] }>(`
      select coalesce(jsonb_agg(jsonb_build_object(
        'id', job.id, 'task', task.task_key, 'args', job.args, 'priority', job.priority, 'status', job.status,
        'attempt', job.attempt, 'failures', job.failures, 'maxAttempts', job.max_attempts, 'units', job.process_units,
        'runAt', ${microseconds('run_at')}, 'blockedAt', ${microseconds('blocked_at')},
        'leaseUntil', ${microseconds('lease_until')}, 'system', job.system, 'suspect', job.suspect,
        'cancelRequested', job.cancel_requested_at is not null, 'parentId', job.parent_id,
        'blockers', array(select blocker_id from jobmaster.blockers where job_id = job.id order by blocker_id)
      ) order by job.id), '[]') as jobs
      from jobmaster.jobs job
      join jobmaster.tasks task on task.id = job.task_id`)
    return row!.jobs
  }

  private jobNumber(place: number): number {
    const ids = [...this.model.jobs.keys()]
    return ids.length === 0 ? 404 : ids[place % ids.length]!
  }
}

/** What was sent, as drains say it. */
function requestOf(text: string): ClaimRequest {
  const { completed, ...rest } = JSON.parse(text) as Omit<ClaimRequest, 'completed'> & {
    completed: { ids: string; attempts: string }
  }
  const numbers = (list: string) => (list === '{}' ? [] : list.slice(1, -1).split(',').map(Number))
  const attempts = numbers(completed.attempts)
  return { ...rest, completed: numbers(completed.ids).map((id, index) => [id, attempts[index]!]) }
}

function outcomeOf({ id, attempt, ending }: { id: number; attempt: number; ending: Ending }): Outcome[] {
  if (ending === 'completed' || ending === 'held') return []
  const error = { name: 'Error', message: 'no' }
  if (ending === 'retryAfter') return [{ id, attempt, outcome: 'failed', error, retry_ms: 0 }]
  return [{ id, attempt, outcome: ending, error }]
}

function microseconds(column: string): string {
  return `(extract(epoch from job.${column} - timestamptz '2030-01-01 00:00:00Z') * 1000000)::bigint`
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code)
  throw error
}
