import type { RootCommand } from '@bomb.sh/tab'
import completion from '@bomb.sh/tab/commander'
import type { Command } from 'commander'
import type { JobMaster } from '../jobmaster.ts'
import { withEntry } from './context.ts'
import { projectFolder } from './project.ts'

type Completed = { name: string; description: string }

/** What an argument or option of this name takes, as it is deployed. */
const deployed: Record<string, (jobs: JobMaster) => Promise<Completed[]>> = {
  task: async (jobs) =>
    (await jobs.tasks()).map(({ task, description }) => ({ name: task, description: description ?? '' })),
  system: async (jobs) => (await jobs.status()).systems.map(({ system }) => ({ name: system, description: '' })),
  schedule: async (jobs) =>
    (await jobs.schedules()).map(({ schedule, task }) => ({ name: schedule, description: task })),
}

/** A shell does not wait for a database that is far away. */
const patienceMs = 5_000

/** Adds `complete`: a shell's script, and what it asks with. The names that it asks for are fetched before it answers. */
export async function addCompletion(root: Command, args: readonly string[]): Promise<void> {
  const completed = completion(root)
  if (args[0] !== 'complete' || args[1] !== '--') return
  const words = args.slice(2)
  const kind = wantedKind(completed, words)
  if (kind === undefined) return
  const names = await namesOf(kind, words)
  for (const { arguments: given, options } of completed.commands.values()) {
    for (const place of [given.get(kind), options.get(kind)]) {
      if (place) place.handler = (complete) => names.forEach(({ name, description }) => complete(name, description))
    }
  }
}

/** What the last word is a name of, if anything that is deployed. */
function wantedKind(completed: RootCommand, words: readonly string[]): string | undefined {
  const option = /^--(\w+)$/.exec(words.at(-2) ?? '')?.[1] ?? /^--(\w+)=/.exec(words.at(-1) ?? '')?.[1]
  if (option !== undefined && option in deployed) return option
  const [first = '', second = ''] = words.filter(
    (word, index) => !word.startsWith('-') && words[index - 1] !== '--entry',
  )
  const command = completed.commands.get(`${first} ${second}`) ?? completed.commands.get(first)
  return [...(command?.arguments.keys() ?? [])].find((name) => name in deployed)
}

/** None where there is no entry, no database or no answer: who presses Tab wants no error. */
async function namesOf(kind: string, words: readonly string[]): Promise<Completed[]> {
  const entry = words[words.indexOf('--entry') + 1]
  const context = { project: projectFolder(), entry: words.includes('--entry') ? entry : undefined }
  // Stdout is the shell's, and the library writes to the console there.
  const { console: own } = globalThis
  globalThis.console = new console.Console(process.stderr, process.stderr)
  for (const level of ['debug', 'log', 'info', 'warn', 'error'] as const) console[level] = () => {}
  try {
    const late = Promise.withResolvers<Completed[]>()
    const ask = async (jobs: JobMaster) => {
      setTimeout(late.resolve, patienceMs, [])
      return deployed[kind]?.(jobs) ?? []
    }
    // A pool that connects cannot be closed, so that is not waited for either.
    return await Promise.race([withEntry(context, ask, { start: false }), late.promise])
  } catch {
    return []
  } finally {
    globalThis.console = own
  }
}
