import { JobMasterError } from './errors.ts'
import type { ReportedJob } from './report.ts'

export interface RunOptions {
  /** How many handlers run at once. 10 when not given. */
  concurrency?: number
  /** How long handlers have to end after their signal has fired, in milliseconds. 1,000 when not given. */
  settleMs?: number
  /** How long after the deadline the lease of a running job lasts, in milliseconds. 30,000 when not given. */
  graceMs?: number
  /** Jobs a claim. When not given it grows from `concurrency` to 500 where jobs are short, and to 2,000 where the database is far. */
  batchSize?: number
  /** How many statements the drain may send, the last settle included: platforms count them. At least 2. */
  statementBudget?: number
  /** How many of them each job's handler sends: that many are left to it. 0 when not given. */
  statementsPerJob?: number
  /** Stops the drain as its deadline would. */
  signal?: AbortSignal
  /** Starts nothing more once it fires: what runs is finished, what was claimed and not started goes back. */
  finish?: AbortSignal
  /** Called for each job that was run, once its outcome is written. */
  onJob?: (job: ReportedJob) => void
}

/** @throws JobMasterError JM008 naming what is wrong. */
export function checkOptions(deadline: Date, options: RunOptions): void {
  if (!(deadline instanceof Date) || Number.isNaN(deadline.getTime())) {
    throw new JobMasterError('JM008', 'runUntilEmpty: the deadline must be a valid Date')
  }
  const least = {
    concurrency: 1,
    batchSize: 1,
    statementBudget: 2,
    statementsPerJob: 0,
    settleMs: 0,
    graceMs: 0,
  } as const
  for (const [name, minimum] of Object.entries(least)) {
    const value = options[name as keyof typeof least]
    if (value === undefined) continue
    const whole = !name.endsWith('Ms')
    if (typeof value !== 'number' || !(value >= minimum) || (whole && !Number.isInteger(value))) {
      const kind = whole ? `a whole number from ${minimum}` : 'a number of milliseconds from 0'
      throw new JobMasterError('JM008', `runUntilEmpty: ${name} must be ${kind}, got ${String(value)}`)
    }
  }
}
