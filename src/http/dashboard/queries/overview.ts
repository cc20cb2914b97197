import { sql } from 'drizzle-orm'
import { json, query } from '../../../database.ts'
import type { JobError } from '../../../job.ts'
import type { Queue } from '../../../queue.ts'

/** How a queue stands, and how its last hour went. */
export interface Overview {
  now: Date
  /** Unfinished jobs; no more than 100,000 of each are counted. */
  depth: Record<'waiting' | 'running' | 'scheduled' | 'blocked', number>
  /** The longest wait among the 10,000 that run next, in seconds; null when nothing waits. */
  oldestWaitingSeconds: number | null
  systems: { system: string; processUnits: number; unitsInUse: number; jobs: number; pausedAt: Date | null }[]
  /** Of the last hour, by minute and task. */
  outcomes: { minute: Date; task: string; outcome: TalliedOutcome; jobs: number }[]
  running: { id: number; task: string; attempt: number; startedAt: Date; system: string }[]
  failed: { id: number; task: string; attempt: number; finishedAt: Date; error: JobError | null }[]
  /** How many tasks are deployed. */
  tasks: number
}

export type TalliedOutcome = 'completed' | 'failed' | 'cancelled' | 'retried' | 'interrupted' | 'lost'

export const mostCounted = 100_000

/** In one statement. Each part by an index of its own, and bounded: a long history costs no more than a short one. */
export async function overview({ db, schema }: Queue): Promise<Overview> {
  const tables = sql.identifier(schema)
  const [row] = await query(
    db,
    sql`
    with moment as materialized (
      select ${tables}.clock() as now, date_trunc('minute', ${tables}.clock()) - interval '59 minutes' as since
    ), named as (
      select id, type_key || '.' || task_key as task, retired_at from ${tables}.tasks
    ), running as materialized (
      select id, task_id, attempt, started_at, system, process_units, claim from ${tables}.jobs where status = 'running'
    )
    select jsonb_build_object(
      'now', (select now from moment),
      'depth', jsonb_build_object(
        'waiting', (
          select count(*)
          from (select from ${tables}.jobs where status = 'waiting' order by rank, id limit ${mostCounted}::integer) waiting
        ),
        'scheduled', (
          select count(*)
          from (select from ${tables}.jobs where status = 'scheduled' order by run_at limit ${mostCounted}::integer) scheduled
        ),
        'running', (select count(*) from running),
        'blocked', (
          select count(*)
          from (select distinct job_id from ${tables}.blockers order by job_id limit ${mostCounted}::integer) waits
          join ${tables}.jobs job on job.id = waits.job_id and job.status = 'blocked'
        )
      ),
      'oldestWaitingSeconds', (
        select greatest(0, round(extract(epoch from (select now from moment) - min(run_at))))
        from (select run_at from ${tables}.jobs where status = 'waiting' order by rank, id limit 10000) next
      ),
      'systems', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'system', systems.name, 'processUnits', systems.process_units, 'unitsInUse', coalesce(used.units, 0),
          'jobs', coalesce(used.jobs, 0), 'pausedAt', systems.paused_at
        ) order by systems.name), '[]')
        from ${tables}.systems systems
        left join (select system, sum(process_units) as units, count(*) as jobs from running group by system) used
          on used.system = systems.name
      ),
      'outcomes', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'minute', tally.minute, 'task', named.task, 'outcome', tally.outcome, 'jobs', tally.jobs
        ) order by tally.minute, named.task, tally.outcome), '[]')
        from (
          select minute, task_id, outcome, sum(jobs) as jobs
          from ${tables}.tallies
          where merged = any ('{true,false}') and minute >= (select since from moment)
          group by minute, task_id, outcome
        ) tally
        join named on named.id = tally.task_id
      ),
      'running', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'id', job.id, 'task', named.task, 'attempt', job.attempt, 'startedAt', job.started_at, 'system', job.system
        ) order by job.claim desc, job.id), '[]')
        from (select * from running order by claim desc, id limit 8) job
        join named on named.id = job.task_id
      ),
      'failed', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'id', job.id, 'task', named.task, 'attempt', job.attempt, 'finishedAt', job.finished_at,
          'error', job.error - 'stack'
        ) order by job.id desc), '[]')
        from (
          select id, task_id, attempt, finished_at, error from ${tables}.jobs where status = 'failed' order by id desc limit 8
        ) job
        join named on named.id = job.task_id
      ),
      'tasks', (select count(*) from named where retired_at is null)
    ) as overview`,
  )
  // Our own statement's object, with times as text.
  const found = json(row?.overview) as Overview
  return {
    ...found,
    now: new Date(found.now),
    systems: found.systems.map((one) => ({ ...one, pausedAt: one.pausedAt && new Date(one.pausedAt) })),
    outcomes: found.outcomes.map((one) => ({ ...one, minute: new Date(one.minute) })),
    running: found.running.map((one) => ({ ...one, startedAt: new Date(one.startedAt) })),
    failed: found.failed.map((one) => ({ ...one, finishedAt: new Date(one.finishedAt) })),
  }
}
