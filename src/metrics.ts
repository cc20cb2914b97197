import { sql } from 'drizzle-orm'
import { json, query } from './database.ts'
import type { Queue } from './queue.ts'

/** What a scrape finds: rows for each metric, by the metric's labels. */
interface Measured {
  jobs: { task: string; status: string; value: number }[]
  oldest: { task: string; value: number }[]
  outcomes: { task: string; outcome: string; value: number }[]
  units: { system: string; value: number }[]
  used: { system: string; value: number }[]
  paused: ({ task: string; value: number } | { system: string; value: number })[]
}

const help = {
  jobs: ['jobmaster_jobs', 'gauge', 'Jobs that have not finished.'],
  oldest: ['jobmaster_oldest_waiting_seconds', 'gauge', 'How long the oldest waiting job of a task has been due.'],
  outcomes: [
    'jobmaster_outcomes_total',
    'counter',
    'Attempts and jobs by how they ended: completed, failed and cancelled for good; retried, interrupted by the deadline, lost with their invocation.',
  ],
  units: ['jobmaster_process_units', 'gauge', 'Process units of a system.'],
  used: ['jobmaster_process_units_in_use', 'gauge', 'Process units of a system that running jobs hold.'],
  paused: ['jobmaster_paused', 'gauge', '1 for a task or a system that is paused.'],
} as const satisfies Record<keyof Measured, readonly [name: string, type: 'gauge' | 'counter', help: string]>

/**
 * The queue in the text format of Prometheus, from one statement that reads no history.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export async function metrics(queue: Queue): Promise<string> {
  const found = await measure(queue)
  const lines = Object.entries(help).flatMap(([part, [name, type, text]]) => [
    `# HELP ${name} ${text}`,
    `# TYPE ${name} ${type}`,
    ...found[part as keyof Measured].map(({ value, ...labels }) => `${name}{${labelled(labels)}} ${value}`),
  ])
  return `${lines.join('\n')}\n`
}

function labelled(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(
      ([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
    )
    .join(',')
}

async function measure({ db, schema }: Queue): Promise<Measured> {
  const tables = sql.identifier(schema)
  // Each status by an index of its own: a scrape of a long history costs no more than one of a short one.
  const [row] = await query(
    db,
    sql`
    with named as (
      select id, type_key || '.' || task_key as task, retired_at, paused_at from ${tables}.tasks
    ), running as materialized (
      select task_id, system, process_units from ${tables}.jobs where status = 'running'
    ), waiting as materialized (
      select task_id, count(*) as jobs from ${tables}.jobs where status = 'waiting' group by task_id
    ), depth as (
      select task_id, 'waiting' as status, jobs from waiting
      union all
      select task_id, 'scheduled', count(*) from ${tables}.jobs where status = 'scheduled' group by task_id
      union all
      select task_id, 'running', count(*) from running group by task_id
      union all
      select job.task_id, 'blocked', count(*)
      from (select distinct job_id from ${tables}.blockers) blocked
      join ${tables}.jobs job on job.id = blocked.job_id and job.status = 'blocked'
      group by job.task_id
    )
    select jsonb_build_object(
      'jobs', (
        select coalesce(jsonb_agg(jsonb_build_object('task', named.task, 'status', states.status, 'value', coalesce(depth.jobs, 0)) order by named.task, states.status), '[]')
        from named
        cross join unnest('{waiting,scheduled,blocked,running}'::text[]) states (status)
        left join depth on depth.task_id = named.id and depth.status = states.status
        where named.retired_at is null or depth.jobs > 0
      ),
      'oldest', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'task', named.task,
          'value', greatest(0, round(extract(epoch from ${tables}.clock() - oldest.run_at), 3))
        ) order by named.task), '[]')
        from named
        join waiting on waiting.task_id = named.id
        cross join lateral (
          select min(job.run_at) as run_at from ${tables}.jobs job where job.status = 'waiting' and job.task_id = named.id
        ) oldest
      ),
      'outcomes', (
        select coalesce(jsonb_agg(jsonb_build_object('task', named.task, 'outcome', counted.outcome, 'value', counted.jobs) order by named.task, counted.outcome), '[]')
        from (select task_id, outcome, sum(jobs) as jobs from ${tables}.tallies group by task_id, outcome) counted
        join named on named.id = counted.task_id
      ),
      'units', (
        select coalesce(jsonb_agg(jsonb_build_object('system', name, 'value', process_units) order by name), '[]')
        from ${tables}.systems
      ),
      'used', (
        select coalesce(jsonb_agg(jsonb_build_object('system', systems.name, 'value', coalesce(used.units, 0)) order by systems.name), '[]')
        from ${tables}.systems systems
        left join (select system, sum(process_units) as units from running group by system) used on used.system = systems.name
      ),
      'paused', (
        select coalesce(jsonb_agg(paused.labels || '{"value": 1}'), '[]')
        from (
          select jsonb_build_object('task', task) as labels from named where paused_at is not null
          union all
          select jsonb_build_object('system', name) from ${tables}.systems where paused_at is not null
        ) paused
      )
    ) as measured`,
  )
  // Our own statement's object.
  return json(row?.measured) as Measured
}
