import ms from 'ms'
import type { Command } from 'commander'
import type { DeployedTask } from '../../graph.ts'
import { contextOf, withEntry } from '../context.ts'
import type { Output } from '../output.ts'
import { table } from '../table.ts'

export function addTasks(root: Command): void {
  root.command('tasks').description('list the deployed tasks, with their parameters and limits').action(tasks)
}

async function tasks(_: object, command: Command): Promise<void> {
  const context = contextOf(command)
  await withEntry(context, async (jobs) => {
    const found = await jobs.tasks()
    context.out.answer({ tasks: found }, () =>
      found.length > 0 ? taskTable(context.out, found) : 'No tasks are deployed: run `jobmaster deploy`.',
    )
  })
}

function taskTable(out: Output, found: readonly DeployedTask[]): string {
  return table(
    out,
    ['task', 'parameters', 'units', 'limit', 'attempts', 'timeout', ''],
    found.map((task) => [
      task.task,
      task.params
        .map(({ name, required, writeAll }) => `${name}${required ? '' : '?'}${writeAll ? '*' : ''}`)
        .join(' '),
      task.processUnits,
      task.processLimit ?? '',
      task.maxAttempts,
      task.timeoutMs === null ? '' : ms(task.timeoutMs),
      stateOf(out, task),
    ]),
  )
}

function stateOf(out: Output, { retiredAt, pausedAt }: DeployedTask): string {
  const states = [retiredAt && 'retired', pausedAt && 'paused'].filter(Boolean)
  return out.color.yellow(states.join(', '))
}
