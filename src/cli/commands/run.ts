import { setTimeout } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { JobMaster } from '../../jobmaster.ts'
import { emptyReport, type Report } from '../../report.ts'
import type { RunOptions } from '../../run-options.ts'
import { contextOf, withEntry } from '../context.ts'
import { duration, relative } from '../duration.ts'
import { exitCodes } from '../exit-codes.ts'
import { onInterrupt } from '../interrupt.ts'
import { wholeNumber } from '../number.ts'
import { type Output, plain } from '../output.ts'
import { counted } from '../plan-lines.ts'
import { openProgress } from '../progress.ts'

interface RunFlags {
  for?: number
  untilEmpty?: boolean
  concurrency?: number
}

export function addRun(root: Command): void {
  root
    .command('run')
    .description('run jobs here')
    .addOption(new Option('--for <duration>', 'for so long, waiting for more, such as 60s').argParser(duration))
    .addOption(
      new Option('--until-empty', 'until nothing is left that may run now (when neither is given)').conflicts('for'),
    )
    .option('--concurrency <jobs>', 'how many at once (default: 10)', wholeNumber(1))
    .action(run)
}

async function run({ for: forMs, concurrency }: RunFlags, command: Command): Promise<void> {
  const { out, ...context } = contextOf(command, { hears: true })
  await withEntry(context, async (jobs) => {
    const interrupt = onInterrupt((time) =>
      out.note(
        time === 'first'
          ? '\nFinishing what runs; nothing more is started. Ctrl-C again stops at once.'
          : '\nStopping: what does not end at once is left to its lease.',
      ),
    )
    const progress = openProgress(out, jobs)
    const options: RunOptions = {
      finish: interrupt.finish,
      signal: interrupt.stop,
      settleMs: 500,
      onJob: progress.onJob,
      ...(concurrency !== undefined && { concurrency }),
    }
    const work = forMs === undefined ? untilEmpty(jobs, options) : forSoLong(jobs, options, forMs)
    const report = await work.finally(() => {
      progress.close()
      interrupt.close()
    })
    const exitCode = interrupt.exitCode()
    out.answer(report, () => summary(out, report, exitCode !== undefined))
    if (exitCode !== undefined) process.exitCode = exitCode
    else if (report.failed > 0) process.exitCode = exitCodes.jobsFailed
  })
}

/** What platforms give an invocation at the most. A lease lasts as long, should this process be killed. */
const invocationMs = 15 * 60_000

async function untilEmpty(jobs: JobMaster, options: RunOptions): Promise<Report> {
  let total: Report | undefined
  do {
    const report = await jobs.runUntilEmpty(new Date(Date.now() + invocationMs), options)
    total = total ? sum(total, report) : report
  } while (total.stopReason === 'deadline' && !options.finish?.aborted)
  return total
}

/** An idle look is one statement a second. */
async function forSoLong(jobs: JobMaster, options: RunOptions, forMs: number): Promise<Report> {
  const end = Date.now() + forMs
  let total = emptyReport()
  while (!options.finish?.aborted) {
    total = sum(total, await jobs.runUntilEmpty(new Date(end), options))
    const left = end - Date.now()
    if (left <= 0 || total.stopReason === 'deadline') return { ...total, stopReason: 'deadline' }
    const next = total.nextWakeAt ? total.nextWakeAt.getTime() - Date.now() : 1_000
    const wait = Math.min(left, Math.max(50, Math.min(next, 1_000)))
    await setTimeout(wait, undefined, options.finish && { signal: options.finish }).catch(() => {})
  }
  return total
}

const summed = [
  'completed',
  'failed',
  'retried',
  'cancelled',
  'expanded',
  'blocked',
  'released',
  'refused',
  'abandoned',
  'statements',
] as const

function sum(before: Report, report: Report): Report {
  const total = { ...report, jobs: [...before.jobs, ...report.jobs].slice(0, 1_000) }
  for (const name of summed) total[name] = before[name] + report[name]
  return total
}

function summary(out: Output, report: Report, interrupted: boolean): string {
  const { color } = out
  const counts = [
    color.green(`${report.completed} completed`),
    ...(report.failed > 0 ? [color.red(`${report.failed} failed`)] : []),
    ...(report.retried > 0 ? [color.yellow(`${report.retried} to be tried again`)] : []),
    ...(['cancelled', 'expanded', 'released', 'refused', 'abandoned'] as const).flatMap((name) =>
      report[name] > 0 ? [`${report[name]} ${name}`] : [],
    ),
  ]
  const failures = report.jobs
    .filter(({ status }) => status === 'failed')
    .slice(0, 20)
    .map(({ id, task, error }) => color.red(`  ${task} #${id}: ${plain(error?.message ?? 'failed')}`))
  return [
    `${counts.join(', ')} in ${counted(report.statements, 'statement')}`,
    ...failures,
    interrupted
      ? `Stopped. ${counted(report.remaining, 'job')} waiting: what had not started is back in the queue.`
      : why(report),
    ...(report.nextWakeAt && !interrupted ? [`There is something to do again ${relative(report.nextWakeAt)}.`] : []),
    ...(report.skew.length > 0
      ? [
          color.yellow(
            `Left for other code: ${report.skew.join(', ')}. Is this code deployed? jobmaster deploy --check`,
          ),
        ]
      : []),
  ].join('\n')
}

function why({ stopReason, remaining }: Report): string {
  const left = counted(remaining, 'job')
  switch (stopReason) {
    case 'empty':
      return remaining > 0
        ? `${left} waiting, which this code may not run now: jobmaster list --status waiting`
        : 'The queue is empty.'
    case 'capacity':
      return `${left} waiting for process units or a process limit: jobmaster status`
    case 'paused':
      return `${left} waiting, and paused: jobmaster resume`
    default:
      return `${left} waiting: the time was over.`
  }
}
