import { type Command, Option } from 'commander'
import type { DeployedTask } from '../../graph.ts'
import type { Json, JobOptions } from '../../task.ts'
import { contextOf, withEntry } from '../context.ts'
import { time } from '../duration.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import { refuseUnknown, withTask } from '../nearest.ts'
import { groupIds, wholeNumber } from '../number.ts'

interface InsertFlags {
  priority?: number
  at?: Date
  uniqueKey?: string
  after?: number[]
  ifFailed?: 'fail' | 'run'
}

export function addInsert(root: Command): void {
  root
    .command('insert')
    .description('insert a job; the database checks it')
    .argument('<task>', 'such as cool.bar')
    .argument('[args...]', `the arguments: b=2 c=x, or '{"b": 2, "c": "x"}'`)
    .option('--priority <priority>', 'higher runs first (default: 0)', wholeNumber())
    .option('--at <time>', 'not before this: a time, or a duration from now such as 10m', time)
    .option('--unique-key <key>', 'where a job of this task and key waits or runs, insert no other')
    .option('--after <groups>', 'not before these groups have ended: ids, such as 12 or 12,13', groupIds)
    .addOption(
      new Option('--if-failed <what>', 'with --after, where a job of a group failed (default: fail)').choices([
        'fail',
        'run',
      ]),
    )
    .action(insert)
}

async function insert(task: string, given: string[], flags: InsertFlags, command: Command): Promise<void> {
  if (flags.ifFailed && !flags.after) throw new Failure('insert: --if-failed goes with --after', exitCodes.usage)
  const context = contextOf(command)
  await withEntry(context, async (jobs) => {
    const deployed = (await jobs.tasks()).find((known) => known.task === task)
    if (!deployed) await refuseUnknown(jobs, task)
    const args = argsOf(given, deployed)
    const job = await withTask(jobs, task, () => jobs.insert(task, args, optionsOf(flags)))
    context.out.answer(job, () => {
      const what = job.existing ? 'there already' : 'inserted'
      return `${what} ${context.out.color.bold(`${job.task} #${job.id}`)}: ${job.status}`
    })
    context.out.note('`jobmaster run` runs what waits.')
  })
}

function optionsOf({ priority, at, uniqueKey, after, ifFailed }: InsertFlags): JobOptions {
  return {
    ...(priority !== undefined && { priority }),
    ...(at && { runAt: at }),
    ...(uniqueKey !== undefined && { uniqueKey }),
    ...(after && { after: ifFailed ? { groups: after, ifFailed } : after }),
  }
}

/** One JSON object, or a name and a value each: JSON where it is some, else a text. */
function argsOf(given: readonly string[], task: DeployedTask | undefined): Record<string, Json> {
  const [first = ''] = given
  if (given.length === 1 && first.trimStart().startsWith('{')) {
    try {
      // It begins with a brace.
      return JSON.parse(first) as Record<string, Json>
    } catch (cause) {
      throw new Failure(`insert: the arguments are not JSON: ${String(cause)}`, exitCodes.usage, { cause })
    }
  }
  return Object.fromEntries(
    given.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw new Failure(`insert: write ${pair} as name=value`, exitCodes.usage)
      const name = pair.slice(0, at)
      return [name, valueOf(pair.slice(at + 1), isText(task, name))]
    }),
  )
}

function valueOf(text: string, asText: boolean): Json {
  if (asText) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Whether the parameter takes texts alone, so that 2 is one. */
function isText(task: DeployedTask | undefined, name: string): boolean {
  const schema: unknown = task?.params.find((parameter) => parameter.name === name)?.schema
  if (typeof schema !== 'object' || schema === null) return false
  if ('type' in schema) return schema.type === 'string'
  return 'enum' in schema && Array.isArray(schema.enum) && schema.enum.every((option) => typeof option === 'string')
}
