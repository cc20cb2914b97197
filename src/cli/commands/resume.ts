import type { Command } from 'commander'
import { contextOf, withEntry } from '../context.ts'
import { withTask } from '../nearest.ts'
import { type PausableFlags, pausableOf } from '../pausable.ts'

export function addResume(root: Command): void {
  root
    .command('resume')
    .description('claim again what was paused')
    .argument('[task]', 'such as cool.bar')
    .option('--system <system>', 'everything on this system')
    .action(resume)
}

async function resume(task: string | undefined, flags: PausableFlags, command: Command): Promise<void> {
  const context = contextOf(command)
  const what = pausableOf('resume', task, flags)
  await withEntry(context, async (jobs) => {
    await withTask(jobs, task, () => jobs.resume(what))
    context.out.answer({ ...what, pausedAt: null }, () => `resumed ${Object.values(what).join('')}`)
  })
}
