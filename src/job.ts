import type { Json } from './task.ts'

/** What a job can be. `queue.ts` and the SQL functions move a job from one to another; nothing else does. */
export const jobStatuses = [
  'scheduled', // due later, or backing off. A claim makes it waiting when it is due; cancel ends it.
  'waiting', // may be claimed. A claim makes it running, blocked or expanded; cancel ends it.
  'blocked', // waits for dependencies or groups. The settle of the last one makes it waiting, or failed; cancel ends it.
  'running', // one invocation's alone until its lease ends. Its settle, or the claim that finds the lease over, moves it.
  'completed', // finished. Nobody moves it.
  'failed', // finished. retry makes it waiting.
  'cancelled', // finished. retry makes it waiting.
  'expanded', // finished: an ALL job that became its children. Nobody moves it.
] as const
export type JobStatus = (typeof jobStatuses)[number]

/** A job as it is now. */
export interface Job {
  id: number
  /** Type key and task key: `cool.bar`. */
  task: string
  /** As stored: the params' input, with defaults written in. */
  args: Record<string, Json>
  priority: number
  status: JobStatus
  /** How many times it was claimed. */
  attempt: number
  maxAttempts: number
  /** The attempts that count against `maxAttempts`. */
  failures: number
  processUnits: number
  /** Where it runs, or ran last. */
  system: string | null
  createdAt: Date
  runAt: Date
  startedAt: Date | null
  finishedAt: Date | null
  /** Until when it is its invocation's alone. */
  leaseUntil: Date | null
  /** What its handler returned. */
  result: Json
  error: JobError | null
  /** The ALL job that it comes from. */
  parentId: number | null
  /** The group that it was inserted with. */
  groupId: number | null
  /** What its newest attempt last said of how far it is, by `ctx.progress`. */
  progress: JobProgress | null
}

/** How far a job is: `value` from 0 to 1. */
export interface JobProgress {
  value: number
  message: string | null
  at: Date
}

/** A job that an insert answers. Of one that had finished already, what it was given and what became of it, `get` says. */
export interface InsertedJob extends Job {
  /** It was there already, and no other was inserted: it is unique. Left out of what is new. */
  existing?: true
}

/** What is kept of what a handler threw. */
export interface JobError {
  name: string
  message: string
  stack?: string
}
