import { setTimeout } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Status } from '../../inspect.ts'
import { jobStatuses } from '../../job.ts'
import { contextOf, withEntry } from '../context.ts'
import { relative } from '../duration.ts'
import { onInterrupt } from '../interrupt.ts'
import { paintedStatus } from '../job-lines.ts'
import type { Output } from '../output.ts'
import { table } from '../table.ts'

export function addStatus(root: Command): void {
  root
    .command('status')
    .description('count jobs by status and task, and the units in use')
    .option('--watch', 'again each second, until Ctrl-C')
    .action(status)
}

async function status({ watch = false }: { watch?: boolean }, command: Command): Promise<void> {
  const { out, ...context } = contextOf(command)
  await withEntry(context, async (jobs) => {
    if (!watch) {
      const found = await jobs.status()
      return out.answer(found, () => statusLines(out, found))
    }
    const interrupt = onInterrupt(() => {})
    while (!interrupt.finish.aborted) {
      const found = await jobs.status()
      // On a terminal each takes the place of the last.
      const clear = out.isTerminal ? '\u001b[2J\u001b[H' : ''
      out.answer(found, () => clear + statusLines(out, found))
      await setTimeout(1_000, undefined, { signal: interrupt.finish }).catch(() => {})
    }
    interrupt.close()
  })
}

function statusLines(out: Output, { jobs, tasks, systems, oldestWaitingAt }: Status): string {
  const counts = jobStatuses.flatMap((name) => (jobs[name] > 0 ? [`${paintedStatus(out, name)} ${jobs[name]}`] : []))
  const waiting = oldestWaitingAt ? [`The oldest waits since ${relative(oldestWaitingAt).replace(' ago', '')}.`] : []
  const unfinished = [...new Set(tasks.map(({ task }) => task))]
  const shown = jobStatuses.filter((name) => tasks.some((counted) => counted.status === name))
  const byTask = table(
    out,
    ['task', ...shown],
    unfinished.map((task) => [
      task,
      ...shown.map((name) => tasks.find((counted) => counted.task === task && counted.status === name)?.jobs ?? 0),
    ]),
  )
  const bySystem = table(
    out,
    ['system', 'units in use', 'of', ''],
    systems.map(({ system, unitsInUse, processUnits, pausedAt }) => [
      system,
      unitsInUse,
      processUnits,
      pausedAt ? out.color.yellow('paused') : '',
    ]),
  )
  return [
    [counts.length > 0 ? counts.join('  ') : 'No jobs.', ...waiting].join('\n'),
    ...(unfinished.length > 0 ? [byTask] : []),
    ...(systems.length > 0 ? [bySystem] : []),
  ].join('\n\n')
}
