import type { Command } from 'commander'
import { contextOf, withEntry } from '../context.ts'
import { time } from '../duration.ts'
import { jobTable } from '../job-lines.ts'
import { jobId, wholeNumber } from '../number.ts'

interface ChangeFlags {
  priority?: number
  at?: Date
}

export function addChange(root: Command): void {
  root
    .command('change')
    .description('change the priority of a job that has not started, or when it may start')
    .argument('<id>', 'the job', jobId)
    .option('--priority <priority>', 'higher runs first', wholeNumber())
    .option('--at <time>', 'not before this: a time, or a duration from now such as 10m', time)
    .action(change)
}

async function change(id: number, { priority, at }: ChangeFlags, command: Command): Promise<void> {
  const context = contextOf(command)
  await withEntry(context, async (jobs) => {
    const job = await jobs.change(id, { ...(priority !== undefined && { priority }), ...(at && { runAt: at }) })
    context.out.answer(job, () => jobTable(context.out, [job]))
  })
}
