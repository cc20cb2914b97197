import type { Command } from 'commander'
import type { Keep } from '../../control.ts'
import { contextOf, withEntry } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'

export function addPrune(root: Command): void {
  root
    .command('prune')
    .description('delete jobs that finished long enough ago; freshness stays')
    .option('--completed <age>', 'completed and expanded ones older than this, such as "7 days"')
    .option('--failed <age>', 'failed and cancelled ones older than this')
    .action(prune)
}

const atMost = 10_000

async function prune(keep: Keep, command: Command): Promise<void> {
  const context = contextOf(command)
  if (keep.completed === undefined && keep.failed === undefined) {
    throw new Failure('prune: say how old, --completed "7 days" or --failed "30 days"', exitCodes.usage)
  }
  await withEntry(context, async (jobs) => {
    let pruned = 0
    for (let bite = atMost; bite === atMost; pruned += bite) bite = await jobs.prune({ ...keep, limit: atMost })
    context.out.answer({ pruned }, () => `pruned ${pruned} jobs`)
  })
}
