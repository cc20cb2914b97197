import { sql } from 'drizzle-orm'
import { json, query } from '../../../database.ts'
import type { JobStatus } from '../../../job.ts'
import type { Queue } from '../../../queue.ts'
import type { Json } from '../../../task.ts'

export interface RelatedJob {
  id: number
  task: string
  status: JobStatus
}

/** What a job has to do with others. */
export interface Relations {
  /** What its task's dependencies ask for with its arguments, and when that was last completed. */
  needs: {
    task: string
    args: Record<string, Json>
    withinSeconds: number
    completedAt: Date | null
    freshUntil: Date | null
    jobId: number | null
  }[]
  /** The jobs it is blocked on. */
  waitsFor: RelatedJob[]
  /** The jobs that are blocked on it, the oldest 50. */
  dependents: RelatedJob[]
  /** The tasks that depend on its task. */
  neededBy: string[]
  /** What an ALL job became: the first 50, among the 50,000 jobs inserted after it. */
  children: RelatedJob[]
}

/** In one statement; null where there is no such job. */
export async function relations({ db, schema }: Queue, id: number): Promise<Relations | null> {
  const tables = sql.identifier(schema)
  const related = sql`jsonb_build_object('id', other.id, 'task', task.type_key || '.' || task.task_key, 'status', other.status)`
  const [row] = await query(
    db,
    sql`
    select jsonb_build_object(
      'needs', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'task', target.type_key || '.' || target.task_key,
          'args', needed.key,
          'withinSeconds', dependency.within_seconds,
          'completedAt', last.completed_at,
          'freshUntil', last.completed_at + make_interval(secs => dependency.within_seconds),
          'jobId', last.job_id
        ) order by dependency.position, needed.key), '[]')
        from ${tables}.dependencies dependency
        join ${tables}.tasks target on target.id = dependency.target_id
        cross join lateral (select key from ${tables}.needed(dependency.args, job.args) key limit 50) needed
        left join ${tables}.completions last
          on last.shape_id = dependency.shape_id
          and last.key_hash = jsonb_hash_extended(needed.key, 0)
          and last.key = needed.key
        where dependency.task_id = job.task_id and not job.expands
      ),
      'waitsFor', (
        select coalesce(jsonb_agg(${related} order by other.id), '[]')
        from ${tables}.blockers blocker
        join ${tables}.jobs other on other.id = blocker.blocker_id
        join ${tables}.tasks task on task.id = other.task_id
        where blocker.job_id = job.id and job.status = 'blocked'
      ),
      'dependents', (
        select coalesce(jsonb_agg(${related} order by other.id), '[]')
        from (select job_id from ${tables}.blockers where blocker_id = job.id order by job_id limit 50) waits
        join ${tables}.jobs other on other.id = waits.job_id and other.status = 'blocked'
        join ${tables}.tasks task on task.id = other.task_id
      ),
      'neededBy', (
        select coalesce(jsonb_agg(distinct task.type_key || '.' || task.task_key), '[]')
        from ${tables}.dependencies dependency
        join ${tables}.tasks task on task.id = dependency.task_id
        where dependency.target_id = job.task_id
      ),
      'children', (
        select coalesce(jsonb_agg(${related} order by other.id), '[]')
        from (
          select child.*
          from (
            select id, parent_id, task_id, status from ${tables}.jobs where id > job.id order by id limit 50000
          ) child
          where job.status = 'expanded' and child.parent_id = job.id
          order by child.id
          limit 50
        ) other
        join ${tables}.tasks task on task.id = other.task_id
      )
    ) as relations
    from ${tables}.jobs job
    where job.id = ${id}::bigint`,
  )
  if (!row) return null
  // Our own statement's object, with times as text.
  const found = json(row.relations) as Relations
  return {
    ...found,
    needs: found.needs.map((need) => ({
      ...need,
      completedAt: need.completedAt && new Date(need.completedAt),
      freshUntil: need.freshUntil && new Date(need.freshUntil),
    })),
  }
}
