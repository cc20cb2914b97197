import type { JobError, JobStatus } from './job.ts'

export interface ReportedJob {
  id: number
  task: string
  /** What the job is now, or `refused`: its attempt was no longer this invocation's, and nothing was written. */
  status: JobStatus | 'refused'
  attempt: number
  durationMs: number
  error?: JobError
}

/** What a drain did. The counts are exact. */
export interface Report {
  /**
   * `empty`: nothing is left that this code may run now. `capacity`: what is left waits for units or a process limit.
   * `paused`: the system is, or every task that has jobs waiting.
   * `deadline`, `budget` (of statements), `aborted` (by the signal): it was time to go.
   */
  stopReason: 'empty' | 'capacity' | 'paused' | 'deadline' | 'budget' | 'aborted'
  completed: number
  /** Failed for good, with those that failed because a dependency did. */
  failed: number
  /** Failed, to be tried again after a back-off. */
  retried: number
  cancelled: number
  /** ALL jobs that became their children. */
  expanded: number
  /** How often a job was found waiting for a dependency. */
  blocked: number
  /** Handed back: claimed and not started, or ended by the deadline. */
  released: number
  /** Settled too late: the attempt was no longer this invocation's. */
  refused: number
  /** Still running when the drain had to go: left to their leases. */
  abandoned: number
  /** The first 1,000, in the order their outcomes were written. */
  jobs: ReportedJob[]
  statements: number
  /** How many jobs are waiting. */
  remaining: number
  /** When there is something to do even with no new insert; null when there is not. */
  nextWakeAt: Date | null
  /** Tasks whose waiting jobs were left for other code: this code does not have them as they are deployed. */
  skew: string[]
}

/** Of a drain that has not begun. */
export function emptyReport(): Report {
  return {
    stopReason: 'empty',
    completed: 0,
    failed: 0,
    retried: 0,
    cancelled: 0,
    expanded: 0,
    blocked: 0,
    released: 0,
    refused: 0,
    abandoned: 0,
    jobs: [],
    statements: 0,
    remaining: 0,
    nextWakeAt: null,
    skew: [],
  }
}

const counted = {
  completed: 'completed',
  failed: 'failed',
  scheduled: 'retried',
  waiting: 'released',
  cancelled: 'cancelled',
  refused: 'refused',
} as const

const maximumJobs = 1_000

/** Counts a job whose outcome was written, and keeps it among the first. */
export function tally(report: Report, job: ReportedJob): void {
  // What another invocation made of it since, when the answer to our settle had been lost, is not ours to count.
  if (job.status in counted) report[counted[job.status as keyof typeof counted]] += 1
  if (report.jobs.length < maximumJobs) report.jobs.push(job)
}
