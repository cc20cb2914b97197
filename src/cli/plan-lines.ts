import type { ChangedTask, Plan } from '../plan.ts'
import type { Output } from './output.ts'

/** A plan as a diff: `+` is made, `~` changes, `-` goes, `!` wants to be read. */
export function planLines({ color }: Output, plan: Plan): string[] {
  const { tasks, schedules } = plan
  const added = (what: string) => color.green(`+ ${what}`)
  const changed = (what: string) => color.yellow(`~ ${what}`)
  const gone = (what: string) => color.red(`- ${what}`)
  return [
    ...(plan.reset ? [gone(`schema ${plan.schema}, with every job in it`)] : []),
    ...plan.migrations.map((name) => added(`migration ${name}`)),
    ...plan.recorded.map((name) => added(`migration ${name} (recorded: its tables are there)`)),
    ...(plan.functions ? [changed('SQL functions')] : []),
    ...tasks.added.map((task) => added(task)),
    ...tasks.changed.flatMap((task) => [changed(task.task), ...partsOf(task).map((part) => `    ${color.dim(part)}`)]),
    ...tasks.retired.map((task) => gone(`${task} (retired: its waiting jobs stay, unclaimed, and its history)`)),
    ...schedules.added.map((schedule) => added(`schedule ${schedule}`)),
    ...schedules.changed.map((schedule) => changed(`schedule ${schedule}`)),
    ...schedules.removed.map((schedule) => gone(`schedule ${schedule}`)),
    ...(tasks.unchanged.length > 0 ? [color.dim(`  ${counted(tasks.unchanged.length, 'task')} unchanged`)] : []),
    ...plan.warnings.map((warning) => color.yellow(`! ${warning}`)),
    ...plan.problems.map((problem) => color.red(`! ${problem}`)),
  ]
}

function partsOf({ what, from, to }: ChangedTask): string[] {
  return what.map((part) =>
    part in to ? `${part}: ${JSON.stringify(from[part])} → ${JSON.stringify(to[part])}` : `${part} changed`,
  )
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
