import type { Command } from 'commander'
import { contextOf, withEntry } from '../context.ts'
import { jobId } from '../number.ts'
import { plain } from '../output.ts'

export function addExplain(root: Command): void {
  root
    .command('explain')
    .description('say why a job does not run, or what became of it')
    .argument('<id>', 'the job', jobId)
    .action(explain)
}

async function explain(id: number, _: object, command: Command): Promise<void> {
  const context = contextOf(command)
  await withEntry(context, async (jobs) => {
    const explanation = await jobs.explain(id)
    context.out.answer({ id, explanation }, () => plain(explanation))
  })
}
