import { sql } from 'drizzle-orm'
import { json, query } from './database.ts'
import type { Queue } from './queue.ts'
import type { Json } from './task.ts'

/** A task as it is deployed. */
export interface DeployedTask {
  /** `cool.bar` */
  task: string
  description: string | null
  params: DeployedParameter[]
  processUnits: number
  processLimit: number | null
  /** The arguments that the limit is counted by; null where it is for all jobs of the task. */
  processLimitPer: string[] | null
  rateLimit: { max: number; perSeconds: number; per: string[] | null } | null
  maxAttempts: number
  timeoutMs: number | null
  /** Since when no deployed code has it. */
  retiredAt: Date | null
  pausedAt: Date | null
}

export interface DeployedParameter {
  name: string
  description: string | null
  /** JSON Schema. */
  schema: Json
  required: boolean
  nullable: boolean
  /** Only where there is one that JSON can say. */
  default?: Json
  /** The values to choose from. */
  options: Json[] | null
  /** Whether it can be "ALL". */
  writeAll: boolean
}

/** Tasks, what depends on what, and how fresh each is. */
export interface Graph {
  tasks: {
    task: string
    description: string | null
    retired: boolean
    paused: boolean
    /** For a task that nothing depends on, among the 10,000 newest jobs. */
    lastCompletedAt: Date | null
  }[]
  dependencies: {
    task: string
    /** What it depends on. */
    target: string
    withinSeconds: number
    /** By the target's params: `{ value }`, `{ same, op, by }` of the dependent's, or `{ options }`, all of them. */
    args: Record<string, Json>
    /**
     * When the target was last completed with the arguments that the dependency names. Of `options`: with each of them,
     * the oldest of these times. Where it takes some from the dependent, with any value of those.
     */
    lastCompletedAt: Date | null
    /** Until when that meets the dependency. */
    freshUntil: Date | null
  }[]
}

interface TaskRow {
  type_key: string
  task_key: string
  description: string | null
  params: ParameterRow[]
  process_units: number
  process_limit: number | null
  process_limit_per: string[] | null
  rate_limit: number | null
  rate_seconds: number | null
  rate_limit_per: string[] | null
  max_attempts: number
  timeout_ms: number | null
  retired_at: string | null
  paused_at: string | null
}

interface ParameterRow {
  name: string
  description: string | null
  schema: Json
  required: boolean
  nullable: boolean
  has_default: boolean
  default?: Json
  options: Json[] | null
  write_all: boolean
}

/** The deployed tasks, by name; those retired too. */
export async function deployedTasks({ db, schema }: Queue): Promise<DeployedTask[]> {
  const [row] = await query(
    db,
    sql`
    select coalesce(jsonb_agg(to_jsonb(task) order by type_key, task_key), '[]') as tasks
    from ${sql.identifier(schema)}.tasks task`,
  )
  // Rows of our own table, which deploy wrote.
  const tasks = json(row?.tasks) as TaskRow[]
  return tasks.map((task) => ({
    task: `${task.type_key}.${task.task_key}`,
    description: task.description,
    params: task.params.map(parameter),
    processUnits: task.process_units,
    processLimit: task.process_limit,
    processLimitPer: task.process_limit_per,
    rateLimit:
      task.rate_limit === null || task.rate_seconds === null
        ? null
        : { max: task.rate_limit, perSeconds: task.rate_seconds, per: task.rate_limit_per },
    maxAttempts: task.max_attempts,
    timeoutMs: task.timeout_ms,
    retiredAt: time(task.retired_at),
    pausedAt: time(task.paused_at),
  }))
}

function parameter({ has_default, write_all, default: value, ...row }: ParameterRow): DeployedParameter {
  return {
    name: row.name,
    description: row.description,
    schema: row.schema,
    required: row.required,
    nullable: row.nullable,
    ...(has_default && value !== undefined && { default: value }),
    options: row.options,
    writeAll: write_all,
  }
}

/** Tasks and dependencies, in one statement. */
export async function graph({ db, schema }: Queue): Promise<Graph> {
  const tables = sql.identifier(schema)
  const [row] = await query(
    db,
    sql`
    select jsonb_build_object(
      'tasks', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'task', task.type_key || '.' || task.task_key,
          'description', task.description,
          'retired', task.retired_at is not null,
          'paused', task.paused_at is not null,
          'lastCompletedAt', greatest(kept.completed_at, newest.finished_at)
        ) order by task.type_key, task.task_key), '[]')
        from ${tables}.tasks task
        left join (
          select shape.task_id, max(completion.completed_at) as completed_at
          from ${tables}.shapes shape
          join ${tables}.completions completion on completion.shape_id = shape.id
          group by shape.task_id
        ) kept on kept.task_id = task.id
        left join (
          select task_id, max(finished_at) as finished_at
          from (select task_id, status, finished_at from ${tables}.jobs order by id desc limit 10000) job
          where status = 'completed'
          group by task_id
        ) newest on newest.task_id = task.id
      ),
      'dependencies', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'task', task.type_key || '.' || task.task_key,
          'target', target.type_key || '.' || target.task_key,
          'withinSeconds', dependency.within_seconds,
          'args', dependency.args,
          'lastCompletedAt', last.completed_at,
          'freshUntil', last.completed_at + make_interval(secs => dependency.within_seconds)
        ) order by task.type_key, task.task_key, dependency.position), '[]')
        from ${tables}.dependencies dependency
        join ${tables}.tasks task on task.id = dependency.task_id
        join ${tables}.tasks target on target.id = dependency.target_id
        cross join lateral (
          select case when bool_and(found.completed_at is not null) then min(found.completed_at) end as completed_at
          from ${tables}.needed(dependency.args, '{}') needed (key)
          cross join lateral (
            select max(completion.completed_at) as completed_at
            from ${tables}.completions completion
            where completion.shape_id = dependency.shape_id and completion.key @> needed.key
          ) found
        ) last
      )
    ) as graph`,
  )
  // Our own statement's object, with times as text.
  const found = json(row?.graph) as Graph
  for (const task of found.tasks) task.lastCompletedAt = time(task.lastCompletedAt)
  for (const dependency of found.dependencies) {
    dependency.lastCompletedAt = time(dependency.lastCompletedAt)
    dependency.freshUntil = time(dependency.freshUntil)
  }
  return found
}

function time(value: string | Date | null): Date | null {
  return value === null ? null : new Date(value)
}
