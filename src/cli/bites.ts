import { setTimeout } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { Bite, JobFilter } from '../control.ts'
import type { Job, JobStatus } from '../job.ts'
import { jobStatuses } from '../job.ts'
import type { JobMaster } from '../jobmaster.ts'
import { contextOf, withEntry } from './context.ts'
import { exitCodes } from './exit-codes.ts'
import { Failure } from './failure.ts'
import { withTask } from './nearest.ts'
import { jobIds } from './number.ts'

interface FilterFlags {
  task?: string
  status?: JobStatus
}

interface Verb {
  name: string
  /** `cancelled` */
  done: string
  description: string
  one(jobs: JobMaster, id: number): Promise<Job | Bite>
  some(jobs: JobMaster, filter: JobFilter): Promise<Bite>
}

/** A command for jobs by their ids, or for all of a filter. */
export function addVerb(root: Command, verb: Verb): void {
  root
    .command(verb.name)
    .description(verb.description)
    .argument('[ids...]', 'the jobs', jobIds)
    .option('--task <task>', 'all of this task')
    .addOption(new Option('--status <status>', 'all that are this').choices(jobStatuses))
    .action((ids: number[] | undefined, flags: FilterFlags, command: Command) => act(verb, ids ?? [], flags, command))
}

async function act(verb: Verb, ids: readonly number[], flags: FilterFlags, command: Command): Promise<void> {
  const context = contextOf(command)
  const { name, done } = verb
  const filtered = flags.task !== undefined || flags.status !== undefined
  if (filtered === ids.length > 0) {
    throw new Failure(`${name}: name jobs by their ids, or all of a --task or --status, and not both`, exitCodes.usage)
  }
  await withEntry(context, async (jobs) => {
    if (!filtered) {
      for (const id of ids) {
        const answer = await verb.one(jobs, id)
        context.out.answer('id' in answer ? answer : { id, ...answer }, () =>
          'id' in answer ? `${done} ${answer.task} #${id}: now ${answer.status}` : `${done} #${id}`,
        )
      }
      return
    }
    const work = () => bites((filter) => verb.some(jobs, filter), flags)
    const total = flags.task === undefined ? await work() : await withTask(jobs, flags.task, work)
    context.out.answer(total, () => `${done} ${total.jobs} jobs`)
    if (total.more) context.out.note(`Some are locked by what is at work on them: run it again for these.`)
  })
}

/** One bite after the other, until there is nothing left, or nothing that is not locked for a few seconds. */
async function bites(take: (filter: JobFilter) => Promise<Bite>, filter: JobFilter): Promise<Bite> {
  let jobs = 0
  for (let idle = 0; idle < 25;) {
    const bite = await take(filter)
    jobs += bite.jobs
    if (!bite.more) return { jobs, more: false }
    idle = bite.jobs > 0 ? 0 : idle + 1
    if (idle > 0) await setTimeout(200)
  }
  return { jobs, more: true }
}
