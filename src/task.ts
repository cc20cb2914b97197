import type { SQL, SQLWrapper } from 'drizzle-orm'
import type * as v from 'valibot'
import { JobMasterError } from './errors.ts'

// Registered symbols: two copies of the package know each other's tasks.
const taskSymbol: unique symbol = Symbol.for('jobmaster.task')
const dependencySymbol: unique symbol = Symbol.for('jobmaster.dependency')
const sameSymbol: unique symbol = Symbol.for('jobmaster.same')

/** What JSON can say. */
export type Json = string | number | boolean | null | { readonly [key: string]: Json | undefined } | readonly Json[]

/** A task's parameters: a Valibot schema each, like a function's parameter list. */
export type Params = Record<string, v.GenericSchema>

/**
 * An application types `ctx.db` and `ctx.env` by augmenting this:
 * `declare module 'jobmaster' { interface Register { db: typeof db; env: Env } }`
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- made to be augmented
export interface Register {}

/** A definition that `task()` made. */
export interface Task<P extends Params = Params, W extends string = string, R = unknown> {
  readonly [taskSymbol]: Definition & { readonly types?: { params: P; writeAll: W; result: R } }
}

/** The arguments to insert a job with: what the params take, and `'ALL'` for write-all params. */
export type Args<T> =
  T extends Task<infer P, infer W>
    ? { [K in keyof In<P>]: Exclude<In<P>[K], undefined> | (K extends W ? 'ALL' : never) }
    : Record<string, Json>

/** What a handler is given beside its arguments. What it has is made when it is asked for: a spread copy has nothing. */
export interface Context {
  readonly job: { readonly id: number; readonly task: string; readonly attempt: number; readonly priority: number }
  /** Fires at the invocation's deadline, at the job's `timeoutMs`, or when the job is cancelled. */
  readonly signal: AbortSignal
  /** When the invocation ends. */
  readonly deadline: Date
  readonly db: Register extends { db: infer D } ? D : unknown
  readonly env: Register extends { env: infer E } ? E : Record<string, unknown>
  /** Inserts a job; the database checks its arguments. */
  insert<T extends Task | string>(task: T, args: Args<T>, options?: InsertOptions): Promise<{ id: number }>
  /** The statement of an insert, for `commit` or a transaction of the handler's own. */
  insertQuery<T extends Task | string>(task: T, args: Args<T>, options?: JobOptions): SQL
  /**
   * Writes Drizzle queries, not awaited, in the one transaction that completes the job, so that what they write is
   * written once even where the job runs twice. Throws, and nothing is written, when a query fails, and with JM016 when
   * the job is no longer this attempt's or has completed. Resolves once it is committed: whatever the handler does then,
   * the job has completed; what it returns is still kept as the result.
   */
  commit(...queries: SQLWrapper[]): Promise<void>
  /**
   * Says how far the job is, from 0 to 1: `jobs.get(id).progress`. The last of what is said goes with a statement that is
   * made anyway, or with one of its own every five seconds.
   * @throws JobMasterError JM008 for a value that is not from 0 to 1, or a message that is not a string
   */
  progress(value: number, message?: string): void
  /**
   * Logs a line: to be read by `jobs.log(id)`, and to the logger of `createJobMaster`. A message with its fields is cut at
   * 1,000 characters, and of an attempt the newest 200 lines are kept. Never throws.
   */
  log(message: string, fields?: Readonly<Record<string, unknown>>): void
  /** Keeps the invocation going until the promise has settled, the job itself having ended. */
  waitUntil(promise: Promise<unknown>): void
  /** `of(foo)`: the jobs of `foo` that this job's dependencies were met by. */
  readonly dependencies: { of<T extends Task | string>(task: T): MetDependency<T>[] }
}

/** A completed job that met a dependency. Its result is null where it returned nothing, or its history was pruned. */
export interface MetDependency<T = string> {
  id: number
  args: T extends Task<infer P> ? In<P> : Record<string, Json>
  result: T extends Task<Params, string, infer R> ? Exclude<R, void> | null : Json
}

/**
 * While what a second job of the same key is not inserted: while the first one waits (also for a time, dependencies or its
 * next attempt); while it waits or runs; or for so many seconds from its insert on, whatever became of it.
 */
export type Unique = 'waiting' | 'active' | { withinSeconds: number }

/** What can be said of a job beside its arguments. */
export interface JobOptions {
  /** Higher runs first. 0 when not given. */
  priority?: number
  /** Not before this. */
  runAt?: Date
  /**
   * Where there is such a job of this key already, it is answered and no other inserted. The task's `unique` when not given;
   * `active` where there is only a key, `waiting` with `debounceSeconds`.
   */
  unique?: Unique
  /** What it is the same by, among jobs of its task. Else the task's `uniqueKey`, or all arguments. */
  uniqueKey?: string
  /** Not before so many seconds. Where there is one of this key that waits, it is put off so far, with these arguments. */
  debounceSeconds?: number
  /**
   * Not before these groups have ended: ids of groups, of `insertMany` with `group`, or of ALL jobs. It fails where one has not
   * completed, unless it is to run all the same.
   */
  after?: After
}

/** Which groups a job waits for, and what becomes of it when a job of one failed or was cancelled: it fails, or it runs. */
export type After = number | readonly number[] | { groups: number | readonly number[]; ifFailed?: 'fail' | 'run' }

export interface InsertOptions extends JobOptions, TransactionOption {}

export interface TransactionOption {
  /** A Drizzle transaction of the application's: the job is there when it commits, together with what else it writes. */
  tx?: Transaction
}

/** What `db.transaction(async (tx) => …)` gives, of whichever driver. */
export interface Transaction {
  execute(query: SQLWrapper): PromiseLike<unknown>
}

/** A rule on a task: another task, a freshness window, the arguments to match. `Needs`: what it needs of the dependent. */
export interface Dependency<Needs = unknown> {
  readonly [dependencySymbol]: DependencyRule & { readonly types?: Needs }
}

export interface DependencyRule {
  readonly target: Task | string
  readonly withinHours: number | undefined
  readonly args: Readonly<Record<string, unknown>>
}

/** At most `max` starts in any `perSeconds` seconds. */
export interface RateLimit<K extends string = string> {
  readonly max: number
  readonly perSeconds: number
  readonly per?: readonly K[]
}

/** What `task` takes. */
export interface TaskOptions<
  P extends Params,
  R extends Json | void,
  W extends string,
  D extends Dependency | readonly Dependency[],
> {
  /** A Valibot schema for each argument. */
  params: P
  /** Params with fixed options that a job may give as `'ALL'`: it becomes one job for each option. */
  writeAll?: readonly (W | Selectable<P>)[] & readonly W[]
  /** What has to be fresh before a job runs: `dependsOn(…)`, or an array of them. */
  dependencies?: D & CheckedDependencies<D, P>
  /** One sentence for people. */
  description?: string
  /** In place of the module's key. */
  typeKey?: string
  /** What a running job weighs. 1 when not given. */
  processUnits?: number
  /**
   * How many jobs of this task may run at once, everywhere: a number, or `{ max, per: ['customer'] }`, so many with the same
   * values of these params. No limit when not given.
   */
  processLimit?: number | { max: number; per?: readonly (keyof P & string)[] }
  /** How many jobs of this task may start in so many seconds, everywhere; with `per`, with the same values of these params. */
  rateLimit?: RateLimit<keyof P & string>
  /** How many attempts may fail before the job has failed. 3 when not given. */
  maxAttempts?: number
  /** After so many milliseconds `ctx.signal` fires; a job starts only where this fits before the deadline. */
  timeoutMs?: number
  /** While what another job with the same arguments is not inserted: the one that there is is answered. */
  unique?: Unique
  /** The parameters that make jobs the same, in place of all of them. */
  uniqueKey?: (keyof P & string) | readonly (keyof P & string)[]
  /** A job waits so many seconds; another insert meanwhile puts it off again, and gives it its arguments. */
  debounceSeconds?: number
  /** Does the work. What it returns is kept as the job's result. */
  run(args: v.InferOutput<v.ObjectSchema<P, undefined>>, ctx: Context): R | Promise<R>
}

/**
 * Defines a task. Registers nothing: `createJobMaster({ tasks })` is given its module, and `deploy` checks it.
 * @throws JobMasterError when there is no `run` function or no `params` object.
 */
export function task<
  const P extends Params,
  R extends Json | void,
  const W extends Selectable<P> = never,
  const D extends Dependency | readonly Dependency[] = readonly [],
>(definition: TaskOptions<P, R, W, D>): Task<P, W, R> {
  const given: Partial<TaskOptions<P, R, W, D>> | null | undefined = definition
  if (typeof given?.run !== 'function' || typeof given.params !== 'object' || given.params === null) {
    throw new JobMasterError(
      'JM014',
      'task() takes an object with `params`, an object of Valibot schemas, and `run`, a function: task({ params: {}, async run() {} })',
    )
  }
  const dependencies: Dependency | readonly Dependency[] = definition.dependencies ?? []
  return Object.freeze({
    [taskSymbol]: Object.freeze({
      params: definition.params,
      writeAll: definition.writeAll ?? [],
      dependencies: isList(dependencies) ? dependencies : [dependencies],
      description: definition.description,
      typeKey: definition.typeKey,
      processUnits: definition.processUnits ?? 1,
      processLimit: definition.processLimit,
      rateLimit: definition.rateLimit,
      maxAttempts: definition.maxAttempts ?? 3,
      timeoutMs: definition.timeoutMs,
      unique: definition.unique,
      uniqueKey: definition.uniqueKey,
      debounceSeconds: definition.debounceSeconds,
      run: definition.run,
    }),
  })
}

/**
 * A rule: `target`, a task or its name, has to have completed less than `withinHours` ago (30 days when not given) with
 * the arguments given. An argument is a value, `same`, or `'ALL'`: every option. What is wrong with it, `deploy` says.
 */
export function dependsOn<T extends Task | string, const A extends DependencyArgs<T> = Record<never, never>>(
  target: T,
  rule: { withinHours?: number; args?: A & Record<Exclude<keyof A, keyof TargetArgs<T>>, never> } = {},
): Dependency<Needs<T, A>> {
  return Object.freeze({
    [dependencySymbol]: Object.freeze({ target, withinHours: rule.withinHours, args: rule.args ?? {} }),
  })
}

/** In a dependency's `args`: the argument that the dependent job has under the same name. */
export interface Same {
  readonly [sameSymbol]: { readonly kind: 'same' }
  /** The dependent's argument of another name. */
  as<const N extends string>(parameter: N): SameAs<N>
  plus(number: number): SameNumber
  minus(number: number): SameNumber
  times(number: number): SameNumber
  dividedBy(number: number): SameNumber
}

export interface SameAs<N extends string = string> {
  readonly [sameSymbol]: { readonly kind: 'as'; readonly name: N }
}

export interface SameNumber {
  readonly [sameSymbol]: { readonly kind: 'number'; readonly op: Operation; readonly by: number }
}

export type Operation = 'plus' | 'minus' | 'times' | 'dividedBy'

export const same: Same = Object.freeze<Same>({
  [sameSymbol]: { kind: 'same' },
  as: <const N extends string>(name: N): SameAs<N> => Object.freeze<SameAs<N>>({ [sameSymbol]: { kind: 'as', name } }),
  plus: (by: number) => sameNumber('plus', by),
  minus: (by: number) => sameNumber('minus', by),
  times: (by: number) => sameNumber('times', by),
  dividedBy: (by: number) => sameNumber('dividedBy', by),
})

function sameNumber(op: Operation, by: number): SameNumber {
  return Object.freeze<SameNumber>({ [sameSymbol]: { kind: 'number', op, by } })
}

/** What was given to `task()`, with its defaults. */
export interface Definition {
  readonly params: Params
  readonly writeAll: readonly string[]
  readonly dependencies: readonly Dependency[]
  readonly description: string | undefined
  readonly typeKey: string | undefined
  readonly processUnits: number
  readonly processLimit: number | { readonly max: number; readonly per?: readonly string[] } | undefined
  readonly rateLimit: RateLimit | undefined
  readonly maxAttempts: number
  readonly timeoutMs: number | undefined
  readonly unique: Unique | undefined
  readonly uniqueKey: string | readonly string[] | undefined
  readonly debounceSeconds: number | undefined
  run(args: object, context: Context): unknown
}

export function isTask(value: unknown): value is Task {
  return typeof value === 'object' && value !== null && taskSymbol in value
}

export function definitionOf(task: Task): Definition {
  return task[taskSymbol]
}

/** What was given to `dependsOn()`; undefined for anything else. */
export function ruleOf(dependency: unknown): DependencyRule | undefined {
  if (typeof dependency !== 'object' || dependency === null || !(dependencySymbol in dependency)) return undefined
  // Only dependsOn writes this symbol.
  return dependency[dependencySymbol] as DependencyRule
}

export type Reference = (Same | SameAs | SameNumber)[typeof sameSymbol]

/** What `same`, or something made from it, stands for; undefined for a value. */
export function referenceOf(argument: unknown): Reference | undefined {
  if (typeof argument !== 'object' || argument === null || !(sameSymbol in argument)) return undefined
  // Only what is made here has this symbol.
  return argument[sameSymbol] as Reference
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value)
}

type In<P extends Params> = v.InferInput<v.ObjectSchema<P, undefined>>

/** The params with fixed options. */
type Selectable<P extends Params> = [Options<P>] extends [never] ? 'no parameter here has fixed options' : Options<P>
type Options<P extends Params> = {
  [K in keyof P & string]: v.InferInput<P[K]> extends infer I
    ? [I] extends [string | number | boolean | null | undefined]
      ? string extends I
        ? never
        : number extends I
          ? never
          : K
      : never
    : never
}[keyof P & string]

type TargetArgs<T> = T extends Task<infer P> ? In<P> : Record<string, Json>
type DependencyArgs<T> = {
  [K in keyof TargetArgs<T>]?: TargetArgs<T>[K] | Same | SameNumber | SameAs | 'ALL'
}

/** What the dependent's parameters have to fit: by the name of the parameter, the type that the target takes. */
type Needs<T, A> = {
  [
    K in keyof A & string as A[K] extends Same | SameNumber ? K : A[K] extends SameAs<infer N> ? N : never
  ]: A[K] extends SameNumber
    ? number
    : T extends Task<infer P>
      ? NonNullable<In<P>[K & keyof In<P>]>
      : NonNullable<unknown>
} & {}

/** The dependencies themselves where they fit the params, else a sentence in place of what does not. */
type CheckedDependencies<D, P extends Params> =
  D extends Dependency<infer N>
    ? Checked<D, N, P>
    : { [I in keyof D]: D[I] extends Dependency<infer N> ? Checked<D[I], N, P> : never }
type Checked<D, N, P extends Params> = [Problem<N, P>] extends [never] ? D : Problem<N, P>
type Problem<N, P extends Params> = {
  [K in keyof N & string]: K extends keyof In<P>
    ? [NonNullable<In<P>[K]>] extends [N[K]]
      ? never
      : `same: "${K}" has an incompatible type here`
    : `same: this task has no parameter "${K}"`
}[keyof N & string]
