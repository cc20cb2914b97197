import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createJiti } from 'jiti'
import { hasFunction } from '../database.ts'
import type { JobsSource } from '../http/source.ts'
import type { JobMaster } from '../jobmaster.ts'
import { exitCodes } from './exit-codes.ts'
import { Failure } from './failure.ts'

/** The module that makes the jobs: the one named, else `functions/jobs.ts` of the project. */
export function entryFile(project: string, named?: string): string {
  if (named !== undefined) {
    const file = resolve(named)
    if (existsSync(file)) return file
    throw new Failure(`there is no ${named}: give --entry the module that exports jobs or openJobs`, exitCodes.usage)
  }
  const found = ['ts', 'mts', 'js', 'mjs'].map((end) => join(project, `functions/jobs.${end}`)).find(existsSync)
  if (found) return found
  throw new Failure(
    'there is no functions/jobs.ts here: run `jobmaster init` to write one, or name yours with --entry <file>',
    exitCodes.usage,
  )
}

/**
 * Loads the entry. Node reads TypeScript by itself from 22.18 on; what it cannot read (an older Node, imports without
 * their ending, enums) jiti compiles.
 */
export async function loadEntry(file: string): Promise<JobsSource> {
  const load = createJiti(pathToFileURL(file).href, { tryNative: true, tsconfigPaths: true })
  const found = await load.import<object>(file).catch((cause: unknown) => {
    // Node adds who asked for a module that is not there, a line each.
    const [said = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n')
    throw new Failure(`${relative('', file)} could not be loaded: ${said} (--verbose shows where)`, exitCodes.failed, {
      cause,
    })
  })
  for (const name of ['openJobs', 'jobs', 'default']) {
    const source: unknown = Reflect.get(found, name)
    if (isJobMaster(source)) return source
    if (typeof source === 'function') return opened((env) => Reflect.apply(source, undefined, [env]), name, file)
  }
  throw new Failure(
    `${relative('', file)} exports no jobs: export const jobs = createJobMaster({ … }), or openJobs, a function of the environment that returns it`,
    exitCodes.usage,
  )
}

/** What a factory answers is looked at once, so that a wrong one is named. */
function opened(factory: (env: object) => unknown, name: string, file: string): JobsSource {
  return async (env) => {
    const jobs: unknown = await factory(env)
    if (isJobMaster(jobs)) return jobs
    throw new Failure(
      `${name} of ${relative('', file)} returned no jobs: return createJobMaster({ … }) from it`,
      exitCodes.usage,
    )
  }
}

/** By what it can do: the entry may have a copy of the package of its own. */
function isJobMaster(value: unknown): value is JobMaster {
  return hasFunction(value, 'runUntilEmpty') && hasFunction(value, 'deploy')
}
