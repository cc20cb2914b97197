import { type SQL, sql } from 'drizzle-orm'
import { json, query } from './database.ts'
import { JobMasterError } from './errors.ts'
import { type InsertedJob, type JobStatus, jobStatuses } from './job.ts'
import type { Callbacks, NewJob, Queue } from './queue.ts'
import type { Args, Task } from './task.ts'

/** What runs once a group has ended. */
export interface GroupOptions<C extends Task | string = string, F extends Task | string = string> {
  /** Runs when all jobs of the group have completed. */
  onComplete?: { task: C; args: Args<C> }
  /** Runs when all have ended and some have failed or were cancelled. */
  onFailed?: { task: F; args: Args<F> }
}

/** A group as its insert answers it: its id, and those of the two jobs. */
export interface InsertedGroup {
  /** What `jobs.group(id)` and `after` take. */
  id: number
  onComplete: number | null
  onFailed: number | null
}

/** Jobs that were inserted as a group. */
export interface GroupInsert {
  group: InsertedGroup
  /** In the order given. */
  jobs: InsertedJob[]
}

/** A group as it is now. */
export interface Group {
  id: number
  /** `open` until the last of its jobs has ended; from then on whether all had completed. */
  status: 'open' | 'completed' | 'failed'
  createdAt: Date
  endedAt: Date | null
  /** How many of its jobs are in each status. */
  counts: Record<JobStatus, number>
  total: number
  /** How many have ended: completed, failed, or cancelled. */
  done: number
  /** Of one that has failed, what the first of its jobs that did says. */
  failure: string | null
  /** The jobs that run once it has ended. The one that does not run is deleted, and null here. */
  onComplete: number | null
  onFailed: number | null
}

/** That `job` is one of a group. Its ids first: by the order of an answer alone, all jobs would be read for a small group. */
export function inGroup(schema: string, group: number): SQL {
  return sql`job.id = any (array(select member.id from ${sql.identifier(schema)}.group_members(${group}::bigint) member))`
}

/** What a group calls, as its insert takes it. */
export function callbacksOf(
  group: true | GroupOptions<Task | string, Task | string>,
  newJob: (task: Task | string, args: unknown) => NewJob,
): Callbacks {
  const { onComplete, onFailed } = group === true ? {} : group
  return {
    onComplete: onComplete && newJob(onComplete.task, onComplete.args),
    onFailed: onFailed && newJob(onFailed.task, onFailed.args),
  }
}

/**
 * A group that `insertMany` made, or the children of an ALL job, in one statement.
 * @throws JobMasterError JM018 where there is no such group.
 */
export async function group({ db, schema }: Queue, id: number): Promise<Group> {
  if (!Number.isSafeInteger(id)) throw new JobMasterError('JM018', `a group's id is a whole number, got ${String(id)}`)
  const [row] = await query(db, sql`select ${sql.identifier(schema)}.group(${id}::bigint) as answer`)
  // The answer is our own function's, with times as text.
  const found = json(row?.answer) as Group
  const none = Object.fromEntries(jobStatuses.map((name) => [name, 0])) as Record<JobStatus, number>
  return {
    ...found,
    createdAt: new Date(found.createdAt),
    endedAt: found.endedAt && new Date(found.endedAt),
    counts: { ...none, ...found.counts },
  }
}
