import type { Pausable } from '../control.ts'
import { exitCodes } from './exit-codes.ts'
import { Failure } from './failure.ts'

export interface PausableFlags {
  system?: string
}

/** What a command was told to pause or resume: one thing. */
export function pausableOf(verb: string, task: string | undefined, { system }: PausableFlags): Pausable {
  if (task !== undefined && system === undefined) return { task }
  if (system !== undefined && task === undefined) return { system }
  throw new Failure(`${verb}: name a task, such as cool.bar, or a --system`, exitCodes.usage)
}
