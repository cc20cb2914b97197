import { sql, type SQLWrapper } from 'drizzle-orm'
import { JobMasterError } from '../errors.ts'
import { Notes } from '../notes.ts'
import type { Args, Context, InsertOptions, MetDependency, Task } from '../task.ts'

export interface FakeContextOptions {
  job?: Partial<Context['job']>
  /** A minute from now when not given. */
  deadline?: Date
  /** Never fires when not given. */
  signal?: AbortSignal
  db?: Context['db']
  env?: Context['env']
  /** What the job's dependencies were met by: `[[foo, { args: { a: 1 }, result: { rows: 42 } }]]`. */
  dependencies?: readonly (readonly [task: Task | string, met: Partial<MetDependency>])[]
}

/** What a handler is given beside its arguments, with nothing behind it: it writes down what the handler does. */
export interface FakeContext extends Context {
  /** Each insert, in order, and each statement of one that was made. Their ids are 1, 2, 3, … */
  readonly inserted: readonly { task: Task | string; args: object; options: InsertOptions }[]
  /** The queries that were handed to `commit`; null when nothing was committed. A second commit throws, as it would. */
  readonly committed: readonly SQLWrapper[] | null
  /** What the handler said of how far it is, in order. What a job would refuse is thrown here too. */
  readonly told: readonly { value: number; message: string | null }[]
  /** What it logged, a line each, as it would be kept. */
  readonly logged: readonly string[]
  /** What was handed to `waitUntil`. */
  readonly waited: readonly Promise<unknown>[]
}

/** A context for testing one handler without a database: `await perform(foo, { a: 1 }, fakeContext())`. */
export function fakeContext(options: FakeContextOptions = {}): FakeContext {
  const inserted: { task: Task | string; args: object; options: InsertOptions }[] = []
  const waited: Promise<unknown>[] = []
  const told: { value: number; message: string | null }[] = []
  const logged: string[] = []
  const job = { id: 1, task: 'test.task', attempt: 1, priority: 0, ...options.job }
  const notes = new Notes([job.id, job.task, job.attempt, job.priority, {}, null], Date.now)
  let committed: readonly SQLWrapper[] | null = null
  const met = options.dependencies ?? []
  return {
    job,
    signal: options.signal ?? new AbortController().signal,
    deadline: options.deadline ?? new Date(Date.now() + 60_000),
    // Their types are the application's, by Register; a handler that uses them is given them.
    db: options.db as Context['db'],
    env: (options.env ?? {}) as Context['env'],
    insert: async <T extends Task | string>(task: T, args: Args<T>, insertOptions: InsertOptions = {}) => {
      inserted.push({ task, args, options: insertOptions })
      return { id: inserted.length }
    },
    insertQuery: <T extends Task | string>(task: T, args: Args<T>, insertOptions: InsertOptions = {}) => {
      inserted.push({ task, args, options: insertOptions })
      return sql`select ${inserted.length}::integer as id`
    },
    commit: async (...queries) => {
      if (committed) throw new JobMasterError('JM016', 'the job has completed, and a job completes once')
      committed = queries
    },
    progress: (value, message) => {
      notes.tell(value, message)
      const [, , progress] = notes.take() ?? []
      if (progress) told.push({ value: progress[0], message: progress[1] })
    },
    log: (message, fields) => {
      notes.log(message, fields)
      for (const [, , line] of notes.take()?.[3] ?? []) logged.push(line)
    },
    waitUntil: (promise) => {
      waited.push(promise)
    },
    dependencies: {
      of: <T extends Task | string>(task: T) =>
        // The types of arguments and result are those of the task that the test named.
        met
          .filter(([target]) => target === task)
          .map(([, given], index) => ({
            id: index + 1,
            args: {},
            result: null,
            ...given,
          })) as MetDependency<T>[],
    },
    inserted,
    get committed() {
      return committed
    },
    told,
    logged,
    waited,
  }
}
