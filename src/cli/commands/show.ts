import type { Command } from 'commander'
import type { Attempt } from '../../inspect.ts'
import type { Job } from '../../job.ts'
import { contextOf, withEntry } from '../context.ts'
import { relative } from '../duration.ts'
import { Failure } from '../failure.ts'
import { paintedStatus } from '../job-lines.ts'
import { jobId } from '../number.ts'
import { type Output, plain } from '../output.ts'
import { table } from '../table.ts'

export function addShow(root: Command): void {
  root
    .command('show')
    .description('show a job: arguments, attempts, result, error, and why it does not run')
    .argument('<id>', 'the job', jobId)
    .action(show)
}

async function show(id: number, _: object, command: Command): Promise<void> {
  const { out, ...context } = contextOf(command)
  await withEntry(context, async (jobs) => {
    const job = await jobs.get(id)
    if (!job) throw new Failure(`there is no job #${id}: \`jobmaster list\` shows the newest`)
    const [attempts, explanation] = await Promise.all([jobs.attempts(id), jobs.explain(id)])
    out.answer({ ...job, attempts, explanation }, () => rendered(out, job, attempts, explanation))
  })
}

function rendered(out: Output, job: Job, attempts: readonly Attempt[], explanation: string): string {
  const fields: [name: string, value: string | null][] = [
    ['status', paintedStatus(out, job.status)],
    ['arguments', JSON.stringify(job.args)],
    ['priority', String(job.priority)],
    ['attempts', `${job.attempt}, of which ${job.failures} of ${job.maxAttempts} failed`],
    ['inserted', moment(job.createdAt)],
    ['due', job.status === 'scheduled' ? moment(job.runAt) : null],
    ['started', moment(job.startedAt)],
    ['finished', moment(job.finishedAt)],
    ['system', job.system],
    ['parent', job.parentId === null ? null : `#${job.parentId}`],
    ['group', job.groupId === null ? null : String(job.groupId)],
    ['result', job.result === null ? null : JSON.stringify(job.result)],
    ['error', job.error && out.color.red(plain(`${job.error.name}: ${job.error.message}`))],
  ]
  const width = Math.max(...fields.map(([name]) => name.length))
  const lines = fields.flatMap(([name, value]) =>
    value === null ? [] : [`${out.color.dim(name.padEnd(width))}  ${plainUnlessPainted(name, value)}`],
  )
  const tried = attempts.length > 0 ? ['', attemptTable(out, attempts)] : []
  return [out.color.bold(`${job.task} #${job.id}`), ...lines, ...tried, '', plain(explanation)].join('\n')
}

function plainUnlessPainted(name: string, value: string): string {
  return name === 'status' || name === 'error' ? value : plain(value)
}

function attemptTable(out: Output, attempts: readonly Attempt[]): string {
  return table(
    out,
    ['attempt', 'outcome', 'system', 'began', 'took', 'error'],
    attempts.map(({ attempt, outcome, system, startedAt, finishedAt, error }) => [
      attempt,
      outcome,
      system,
      moment(startedAt) ?? '',
      finishedAt ? `${finishedAt.getTime() - startedAt.getTime()} ms` : '',
      error ? plain(error.message) : '',
    ]),
  )
}

function moment(at: Date | null): string | null {
  return at && `${at.toISOString()} (${relative(at)})`
}
