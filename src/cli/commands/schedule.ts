import type { Command } from 'commander'
import type { DeployedSchedule } from '../../deployed-schedules.ts'
import type { JobMaster } from '../../jobmaster.ts'
import { contextOf, withEntry } from '../context.ts'
import { relative } from '../duration.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import { shortened } from '../job-lines.ts'
import { nearest } from '../nearest.ts'
import type { Output } from '../output.ts'
import { table } from '../table.ts'

export function addSchedule(root: Command): void {
  const schedule = root.command('schedule').description('list, pause and resume schedules')
  schedule
    .command('list', { isDefault: true })
    .description('list the deployed schedules, with their last and their next tick')
    .action(list)
  schedule
    .command('pause')
    .description('let the ticks of a schedule pass by until it is resumed')
    .argument('<schedule>', 'such as cool.nightly')
    .action(pause)
  schedule
    .command('resume')
    .description('insert its jobs again, from its next tick on')
    .argument('<schedule>', 'such as cool.nightly')
    .action(resume)
}

async function list(_: object, command: Command): Promise<void> {
  const { out, ...context } = contextOf(command)
  await withEntry(context, async (jobs) => {
    const schedules = await jobs.schedules()
    out.answer({ schedules }, () =>
      schedules.length > 0 ? scheduleTable(out, schedules) : 'No schedules are deployed.',
    )
  })
}

function scheduleTable(out: Output, schedules: readonly DeployedSchedule[]): string {
  return table(
    out,
    ['schedule', 'cron', 'timezone', 'task', 'arguments', 'last', 'next', ''],
    schedules.map(({ schedule, cron, timezone, task, args, lastTickAt, nextTickAt, pausedAt }) => [
      schedule,
      cron,
      timezone,
      task,
      shortened(JSON.stringify(args), out.isTerminal ? 40 : Infinity),
      lastTickAt ? relative(lastTickAt) : 'never',
      nextTickAt && !pausedAt ? relative(nextTickAt) : '',
      pausedAt ? out.color.yellow('paused') : '',
    ]),
  )
}

async function pause(schedule: string, _: object, command: Command): Promise<void> {
  const { out, ...context } = contextOf(command)
  await withEntry(context, async (jobs) => {
    await refuseUnknownSchedule(jobs, schedule)
    const { pausedAt } = await jobs.pause({ schedule })
    out.answer({ schedule, pausedAt }, () => `paused ${schedule}`)
  })
}

async function resume(schedule: string, _: object, command: Command): Promise<void> {
  const { out, ...context } = contextOf(command)
  await withEntry(context, async (jobs) => {
    await refuseUnknownSchedule(jobs, schedule)
    await jobs.resume({ schedule })
    out.answer({ schedule, pausedAt: null }, () => `resumed ${schedule}`)
  })
}

async function refuseUnknownSchedule(jobs: JobMaster, name: string): Promise<void> {
  const names = (await jobs.schedules()).map(({ schedule }) => schedule)
  if (names.includes(name)) return
  const meant = nearest(name, names)
  const next = meant ? `did you mean ${meant}?` : `known: ${names.join(', ') || 'none'}`
  throw new Failure(`unknown schedule ${name} (${next})`, exitCodes.usage)
}
