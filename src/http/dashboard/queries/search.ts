import { type SQL, sql } from 'drizzle-orm'
import { query } from '../../../database.ts'
import { inGroup } from '../../../groups.ts'
import { type JobStatus, jobStatuses } from '../../../job.ts'
import type { Queue } from '../../../queue.ts'

export interface Search {
  status?: JobStatus | undefined
  /** `cool.bar` */
  task?: string | undefined
  /** The id of a group, or of an ALL job: its jobs. */
  group?: number | undefined
  /** Stands in the arguments or in the error's message, whatever its case. */
  text?: string | undefined
  /** Goes on below this id. */
  before?: number | undefined
}

export interface FoundJob {
  id: number
  task: string
  status: JobStatus
  /** JSON, cut. */
  args: string
  priority: number
  attempt: number
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
  error: string | null
}

export interface SearchPage {
  jobs: FoundJob[]
  /** Where the next page goes on; null at the end. */
  before: number | null
  /** How many were looked at without finding a page full; null where the page is full, or the end was reached. */
  lookedAt: number | null
}

const pageSize = 50
/** So many jobs are looked at for one page, so that what is rare in a long history cannot make a page slow. */
const mostLookedAt = 20_000

/** Jobs, the newest first, in one statement. */
export async function search(
  { db, schema }: Queue,
  { status, task, group, text, before }: Search,
): Promise<SearchPage> {
  const tables = sql.identifier(schema)
  const below = before === undefined ? sql`true` : sql`job.id < ${before}::bigint`
  // What every job matches needs no more than the page.
  const most = task === undefined && text === undefined ? pageSize + 1 : mostLookedAt
  const rows = await query(
    db,
    sql`
    with looked_at as materialized (
      select job.id, ${taskCondition(schema, task)} and ${textCondition(text)} as matches
      from ${tables}.jobs job
      where ${statusCondition(schema, status, before)} and ${group === undefined ? sql`true` : inGroup(schema, group)} and ${below}
      order by job.id desc
      limit ${most}::integer
    ), found as materialized (
      select id from looked_at where matches order by id desc limit ${pageSize + 1}::integer
    ), looked as (
      select count(*) as jobs, min(id) as last from looked_at
    )
    select
      looked.jobs as looked_at, looked.last,
      job.id, task.type_key || '.' || task.task_key as task, job.status, left(job.args::text, 300) as args, job.priority,
      job.attempt, job.created_at, job.started_at, job.finished_at, left(job.error ->> 'message', 300) as error
    from looked
    left join found on true
    left join ${tables}.jobs job on job.id = found.id
    left join ${tables}.tasks task on task.id = job.task_id
    order by job.id desc`,
  )
  const jobs = rows.filter((row) => row.id !== null).map(foundJob)
  const page = jobs.slice(0, pageSize)
  if (jobs.length > pageSize) return { jobs: page, before: page.at(-1)?.id ?? null, lookedAt: null }
  const lookedAt = Number(rows[0]?.looked_at ?? 0)
  if (lookedAt < most) return { jobs: page, before: null, lookedAt: null }
  return { jobs: page, before: Number(rows[0]?.last), lookedAt }
}

/** Written so that the partial index of the status is found: the status stands in the statement, checked by its list. */
function statusCondition(schema: string, status: JobStatus | undefined, before: number | undefined): SQL {
  const known = jobStatuses.find((one) => one === status)
  if (known === undefined) return sql`true`
  if (known !== 'blocked') return sql.raw(`job.status = '${known}'`)
  // There is no index of blocked jobs: what each waits for has one.
  const below = before === undefined ? sql`true` : sql`job_id < ${before}::bigint`
  return sql`job.status = 'blocked' and job.id = any (array(
    select distinct job_id from ${sql.identifier(schema)}.blockers where ${below} order by job_id desc limit ${mostLookedAt}::integer
  ))`
}

function taskCondition(schema: string, task: string | undefined): SQL {
  if (task === undefined) return sql`true`
  return sql`job.task_id = (
    select id from ${sql.identifier(schema)}.tasks where type_key || '.' || task_key = ${task}::text
  )`
}

function textCondition(text: string | undefined): SQL {
  if (text === undefined) return sql`true`
  return sql`(
    strpos(lower(job.args::text), lower(${text}::text)) > 0
    or strpos(lower(coalesce(job.error ->> 'message', '')), lower(${text}::text)) > 0
  )`
}

function foundJob(row: Record<string, unknown>): FoundJob {
  const time = (value: unknown) => (value === null ? null : new Date(String(value)))
  return {
    id: Number(row.id),
    task: String(row.task),
    // The row's check constraint has the same list.
    status: String(row.status) as JobStatus,
    args: String(row.args),
    priority: Number(row.priority),
    attempt: Number(row.attempt),
    createdAt: new Date(String(row.created_at)),
    startedAt: time(row.started_at),
    finishedAt: time(row.finished_at),
    error: row.error === null ? null : String(row.error),
  }
}
