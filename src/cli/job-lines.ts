import { relative } from './duration.ts'
import { type Output, plain } from './output.ts'
import { table } from './table.ts'
import type { Job, JobStatus } from '../job.ts'

const painted = {
  scheduled: 'blue',
  waiting: 'yellow',
  blocked: 'magenta',
  running: 'cyan',
  completed: 'green',
  failed: 'red',
  cancelled: 'dim',
  expanded: 'dim',
} as const

export function paintedStatus(out: Output, status: JobStatus): string {
  return out.color[painted[status]](status)
}

/** A table with a line a job. */
export function jobTable(out: Output, jobs: readonly Job[]): string {
  return table(
    out,
    ['id', 'status', 'task', 'arguments', 'priority', 'attempt', ''],
    jobs.map((job) => [
      job.id,
      paintedStatus(out, job.status),
      job.task,
      shortened(JSON.stringify(job.args), out.isTerminal ? Math.max(20, out.columns - 70) : Infinity),
      job.priority,
      job.attempt,
      timeOf(job),
    ]),
  )
}

/** What happened to it last, or happens next. */
function timeOf({ status, createdAt, runAt, startedAt, finishedAt }: Job): string {
  if (finishedAt) return relative(finishedAt)
  if (status === 'scheduled') return `due ${relative(runAt)}`
  if (status === 'running' && startedAt) return `since ${relative(startedAt).replace(' ago', '')}`
  return `inserted ${relative(createdAt)}`
}

export function shortened(text: string, most: number): string {
  const one = plain(text).replaceAll('\n', ' ')
  return one.length > most ? `${one.slice(0, most - 1)}…` : one
}
