import type { Args, Task } from './task.ts'
import * as ticks from './ticks.ts'

// A registered symbol: two copies of the package know each other's schedules.
const scheduleSymbol: unique symbol = Symbol.for('jobmaster.schedule')

/** What becomes of ticks that nobody came for in time. */
export type CatchUp = 'none' | 'last' | 'all'

/** When a schedule is due. */
export interface ScheduleOptions {
  /** Five fields: minute, hour, day of month, month, day of week. Or a nickname, such as `@daily`. */
  cron: string
  /** Whose clock `cron` is read by: an IANA name, such as `Europe/Berlin`. `UTC` when not given. */
  timezone?: string
  /**
   * Of several ticks that are due at once, since no invocation came for a time: `last`, one job for the last of them, and
   * what is taken when not given; `none`, that too, unless it is more than 30 minutes ago; `all`, a job for each.
   */
  catchUp?: CatchUp
}

/** A definition that `schedule()` made. */
export interface Schedule {
  readonly [scheduleSymbol]: ScheduleDefinition
}

/** What was given to `schedule()`, with its defaults. What is wrong with it, `deploy` says. */
export interface ScheduleDefinition {
  readonly task: Task | string
  readonly args: unknown
  readonly cron: unknown
  readonly timezone: unknown
  readonly catchUp: unknown
  readonly reader: CronReader
}

/** What reads cron expressions. It comes with the definition, so that an application without schedules does not load it. */
export type CronReader = typeof ticks

/**
 * Defines a schedule: a job of `task`, or of the task of that name, with these arguments at each tick of `cron`. It is
 * exported beside tasks, and named like them: `type.export`. Registers nothing; `deploy` checks it and takes it up.
 */
export function schedule<T extends Task | string>(task: T, args: Args<T>, options: ScheduleOptions): Schedule {
  // JavaScript may leave them out: deploy says so, with all else that is wrong.
  const given: Partial<ScheduleOptions> | null | undefined = options
  const { cron, timezone = 'UTC', catchUp = 'last' } = given ?? {}
  return Object.freeze({ [scheduleSymbol]: Object.freeze({ task, args, cron, timezone, catchUp, reader: ticks }) })
}

/** What was given to `schedule()`; undefined for anything else. */
export function scheduleOf(value: unknown): ScheduleDefinition | undefined {
  if (typeof value !== 'object' || value === null || !(scheduleSymbol in value)) return undefined
  // Only schedule() writes this symbol.
  return value[scheduleSymbol] as ScheduleDefinition
}

/** What reads the cron expressions of the schedules in modules; undefined where there are none. */
export function cronReaderOf(modules: Record<string, object>): CronReader | undefined {
  return Object.values(modules)
    .flatMap((module) => (typeof module === 'object' && module !== null ? Object.values(module) : []))
    .map(scheduleOf)
    .find((definition) => definition !== undefined)?.reader
}
