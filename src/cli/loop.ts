import { setTimeout } from 'node:timers/promises'
import type { JobMaster } from '../jobmaster.ts'
import type { RunOptions } from '../run-options.ts'

const invocationMs = 60_000

/** Runs what comes until `finish` fires; an idle look is one statement a second. A database that is away is waited for. */
export async function loop(
  jobs: JobMaster,
  options: RunOptions & { finish: AbortSignal },
  failed: (error: Error) => void,
): Promise<void> {
  const { finish } = options
  let known = ''
  while (!finish.aborted) {
    let wait = 1_000
    try {
      const { stopReason, nextWakeAt } = await jobs.runUntilEmpty(new Date(Date.now() + invocationMs), options)
      known = ''
      const next = nextWakeAt ? nextWakeAt.getTime() - Date.now() : wait
      wait = stopReason === 'deadline' ? 0 : Math.min(Math.max(next, 50), wait)
    } catch (error) {
      const said = error instanceof Error ? error : new Error(String(error))
      // Once, and not each second.
      if (said.message !== known) failed(said)
      known = said.message
    }
    if (wait > 0) await setTimeout(wait, undefined, { signal: finish }).catch(() => {})
  }
}
