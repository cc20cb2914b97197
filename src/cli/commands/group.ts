import type { Command } from 'commander'
import type { Group } from '../../groups.ts'
import { contextOf, withEntry } from '../context.ts'
import { relative } from '../duration.ts'
import { paintedStatus } from '../job-lines.ts'
import { groupId } from '../number.ts'
import { type Output, plain } from '../output.ts'
import { jobStatuses } from '../../job.ts'

export function addGroup(root: Command): void {
  root
    .command('group')
    .description('show how far a group is, or the children of an ALL job')
    .argument('<id>', 'the group, or the ALL job', groupId)
    .action(group)
}

async function group(id: number, _: object, command: Command): Promise<void> {
  const { out, ...context } = contextOf(command)
  await withEntry(context, async (jobs) => {
    const found = await jobs.group(id)
    out.answer(found, () => rendered(out, found))
  })
}

function rendered(
  out: Output,
  { id, status, total, done, endedAt, counts, failure, onComplete, onFailed }: Group,
): string {
  const called = status === 'failed' ? onFailed : onComplete
  const lines = [
    `${out.color.bold(`group ${id}`)}: ${status}, ${done} of ${total} jobs ended${endedAt ? `, ${relative(endedAt)}` : ''}`,
    ...jobStatuses.filter((name) => counts[name] > 0).map((name) => `  ${paintedStatus(out, name)} ${counts[name]}`),
    failure && out.color.red(plain(failure)),
    called !== null && `${status === 'failed' ? 'onFailed' : 'onComplete'}: #${called}`,
    status === 'open' && onFailed !== null && `onFailed: #${onFailed}`,
  ]
  return lines.filter(Boolean).join('\n')
}
