import type { Command } from 'commander'
import { contextOf, withEntry } from '../context.ts'
import { withTask } from '../nearest.ts'
import { type PausableFlags, pausableOf } from '../pausable.ts'

export function addPause(root: Command): void {
  root
    .command('pause')
    .description('claim nothing more of a task, or on a system, until it is resumed')
    .argument('[task]', 'such as cool.bar')
    .option('--system <system>', 'everything on this system')
    .action(pause)
}

async function pause(task: string | undefined, flags: PausableFlags, command: Command): Promise<void> {
  const context = contextOf(command)
  const what = pausableOf('pause', task, flags)
  await withEntry(context, async (jobs) => {
    const { pausedAt } = await withTask(jobs, task, () => jobs.pause(what))
    context.out.answer({ ...what, pausedAt }, () => `paused ${Object.values(what).join('')}`)
  })
}
