import { sql } from 'drizzle-orm'
import { json, query } from '../../../database.ts'
import type { Queue } from '../../../queue.ts'

/** How long the jobs of a task took, and how many ended how. */
export interface Timing {
  task: string
  /** Completed ones among the newest that were looked at: what the times are of. */
  measured: number
  p50Ms: number | null
  p95Ms: number | null
  /** Of the last day. */
  completed: number
  failed: number
  /** Now, of the first 100,000. */
  waiting: number
  running: number
}

/** The newest jobs that times are taken from. */
export const mostMeasured = 20_000

/** By task, in one statement. */
export async function timings({ db, schema }: Queue): Promise<Map<string, Timing>> {
  const tables = sql.identifier(schema)
  const [row] = await query(
    db,
    sql`
    with moment as materialized (
      select ${tables}.clock() - interval '1 day' as since
    ), measured as (
      select
        task_id,
        count(*) as jobs,
        percentile_cont(array[0.5, 0.95]) within group (order by extract(epoch from finished_at - started_at) * 1000) as ms
      from (
        select task_id, status, started_at, finished_at from ${tables}.jobs order by id desc limit ${mostMeasured}::integer
      ) newest
      where status = 'completed' and started_at is not null
      group by task_id
    ), ended as (
      select
        task_id,
        sum(jobs) filter (where outcome = 'completed') as completed,
        sum(jobs) filter (where outcome = 'failed') as failed
      from ${tables}.tallies
      where merged = any ('{true,false}') and minute >= (select since from moment)
      group by task_id
    ), waiting as (
      select task_id, count(*) as jobs
      from (select task_id from ${tables}.jobs where status = 'waiting' order by task_id, rank, id limit 100000) next
      group by task_id
    ), running as (
      select task_id, count(*) as jobs from ${tables}.jobs where status = 'running' group by task_id
    )
    select coalesce(jsonb_agg(jsonb_build_object(
      'task', task.type_key || '.' || task.task_key,
      'measured', coalesce(measured.jobs, 0),
      'p50Ms', measured.ms[1],
      'p95Ms', measured.ms[2],
      'completed', coalesce(ended.completed, 0),
      'failed', coalesce(ended.failed, 0),
      'waiting', coalesce(waiting.jobs, 0),
      'running', coalesce(running.jobs, 0)
    )), '[]') as timings
    from ${tables}.tasks task
    left join measured on measured.task_id = task.id
    left join ended on ended.task_id = task.id
    left join waiting on waiting.task_id = task.id
    left join running on running.task_id = task.id`,
  )
  // Our own statement's objects.
  const found = json(row?.timings) as Timing[]
  return new Map(found.map((timing) => [timing.task, timing]))
}
