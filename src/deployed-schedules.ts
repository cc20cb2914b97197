import { sql } from 'drizzle-orm'
import { json, query } from './database.ts'
import type { Queue } from './queue.ts'
import type { CatchUp } from './schedule.ts'
import type { Json } from './task.ts'

/** A schedule as it is deployed. */
export interface DeployedSchedule {
  /** `cool.nightly` */
  schedule: string
  task: string
  /** With the defaults of those not given. */
  args: Record<string, Json>
  cron: string
  timezone: string
  catchUp: CatchUp
  pausedAt: Date | null
  /** The newest tick that a job was inserted for, and that job. */
  lastTickAt: Date | null
  lastJobId: number | null
  /** Null while it is paused. */
  nextTickAt: Date | null
}

/** The deployed schedules, by name. */
export async function deployedSchedules({ db, schema }: Queue): Promise<DeployedSchedule[]> {
  const tables = sql.identifier(schema)
  const [row] = await query(
    db,
    sql`
    select coalesce(jsonb_agg(jsonb_build_object(
      'schedule', schedule.type_key || '.' || schedule.schedule_key,
      'task', task.type_key || '.' || task.task_key,
      'args', schedule.args,
      'cron', schedule.cron,
      'timezone', schedule.timezone,
      'catchUp', schedule.catch_up,
      'pausedAt', schedule.paused_at,
      'lastTickAt', last.tick,
      'lastJobId', last.job_id,
      'nextTickAt', case when schedule.paused_at is null then schedule.next_tick end
    ) order by schedule.type_key, schedule.schedule_key), '[]') as schedules
    from ${tables}.schedules schedule
    join ${tables}.tasks task on task.id = schedule.task_id
    left join lateral (
      select tick, job_id from ${tables}.ticks where schedule_id = schedule.id order by tick desc limit 1
    ) last on true`,
  )
  // Our own statement's objects, with times as text.
  const found = json(row?.schedules) as DeployedSchedule[]
  return found.map((one) => ({
    ...one,
    pausedAt: one.pausedAt && new Date(one.pausedAt),
    lastTickAt: one.lastTickAt && new Date(one.lastTickAt),
    nextTickAt: one.nextTickAt && new Date(one.nextTickAt),
  }))
}
