import { type Command, Option } from 'commander'
import { jobStatuses, type JobStatus } from '../../job.ts'
import { contextOf, withEntry } from '../context.ts'
import { jobTable } from '../job-lines.ts'
import { refuseUnknown } from '../nearest.ts'
import { groupId, wholeNumber } from '../number.ts'

interface ListFlags {
  status?: JobStatus
  task?: string
  group?: number
  limit: number
  cursor?: string
}

export function addList(root: Command): void {
  root
    .command('list')
    .description('list jobs, the newest first')
    .addOption(new Option('--status <status>', 'only these').choices(jobStatuses))
    .option('--task <task>', 'only of this task, such as cool.bar')
    .option('--group <id>', 'only of this group, or the children of this ALL job', groupId)
    .option('--limit <jobs>', 'how many, 1,000 at the most', wholeNumber(1), 20)
    .option('--cursor <cursor>', 'go on after an earlier answer')
    .action(list)
}

async function list(flags: ListFlags, command: Command): Promise<void> {
  const context = contextOf(command)
  await withEntry(context, async (jobs) => {
    const found = await jobs.list(flags)
    if (found.jobs.length === 0 && flags.task !== undefined) await refuseUnknown(jobs, flags.task)
    context.out.answer(found, () => (found.jobs.length > 0 ? jobTable(context.out, found.jobs) : 'No jobs.'))
    if (found.cursor !== null) context.out.note(`More: --cursor ${found.cursor}`)
  })
}
