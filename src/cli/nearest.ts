import { closest, distance } from 'fastest-levenshtein'
import type { JobMaster } from '../jobmaster.ts'
import { exitCodes } from './exit-codes.ts'
import { Failure } from './failure.ts'

/** The name that was probably meant, if one is near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const byKey = names.filter((known) => known.endsWith(`.${name}`))
  if (byKey.length === 1) return byKey[0]
  if (names.length === 0) return undefined
  const found = closest(name, names)
  return distance(name, found) <= Math.max(2, name.length * 0.4) ? found : undefined
}

/** Does something with a task that was typed; where there is no such task, says which one was probably meant. */
export async function withTask<T>(jobs: JobMaster, task: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    // By its field: the entry may have a copy of the package of its own.
    if (task !== undefined && error instanceof Error && 'code' in error && error.code === 'JM001')
      await refuseUnknown(jobs, task, error)
    throw error
  }
}

/** @throws Failure where the task is not deployed, naming the nearest. */
export async function refuseUnknown(jobs: JobMaster, task: string, cause?: Error): Promise<void> {
  const names = (await jobs.tasks()).map((known) => known.task)
  if (names.includes(task)) return
  const meant = nearest(task, names)
  const next = meant
    ? `did you mean ${meant}?`
    : names.length > 0
      ? `known: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`
      : 'none is deployed: run `jobmaster deploy`'
  throw new Failure(`unknown task ${task} (${next})`, exitCodes.usage, { cause })
}
