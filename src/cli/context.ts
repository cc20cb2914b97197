import type { Command } from 'commander'
import { withJobs } from '../http/source.ts'
import type { JobMaster } from '../jobmaster.ts'
import { type CommandDatabase, openCommandDatabase } from './database.ts'
import { entryFile, loadEntry } from './entry.ts'
import { openOutput, type Output } from './output.ts'
import { projectFolder } from './project.ts'

/** What every command works with. */
export interface Context {
  out: Output
  project: string
  /** As typed. */
  entry: string | undefined
  verbose: boolean
}

interface GlobalOptions {
  entry?: string
  json?: boolean
  verbose?: boolean
}

/** `hears` says whether what the entry and its handlers log is for the one who typed the command. */
export function contextOf(command: Command, { hears = false } = {}): Context {
  const { entry, json = false, verbose = false } = command.optsWithGlobals<GlobalOptions>()
  const out = openOutput(json)
  // It is no part of the answer.
  globalThis.console = new console.Console(process.stderr, process.stderr)
  if (!hears && !verbose) for (const level of ['debug', 'log', 'info'] as const) console[level] = () => {}
  return { out, project: projectFolder(), entry, verbose }
}

/**
 * Does something with the jobs of the entry, and closes what was opened for it. `start` says whether the embedded Postgres
 * of the project may be started for it.
 */
export async function withEntry<T>(
  { project, entry }: Pick<Context, 'project' | 'entry'>,
  work: (jobs: JobMaster, database: CommandDatabase) => Promise<T>,
  { start = true } = {},
): Promise<T> {
  const file = entryFile(project, entry)
  const database = await openCommandDatabase(project, { start })
  try {
    const source = await loadEntry(file)
    // An instance that the entry has made is the process's, which ends with the command.
    const jobs = typeof source === 'function' ? source : () => source
    return await withJobs(jobs, process.env, (opened) => work(opened, database))
  } finally {
    await database.close()
  }
}
