import type { Report } from '../report.ts'

/** Asked after a drain that says when there is something to do again: arms a one-off wake-up, where a platform has them. */
export type WakeAt = (at: Date, env: object) => Promise<void> | void

/**
 * The deadline of an invocation that the platform ends `limitMs` after `startedAt`: a margin before that. In the margin
 * handlers end (`settleMs`, a second), the last statement is sent, and the answer goes out.
 */
export function deadlineWithin(limitMs: number, startedAt = Date.now()): Date {
  const marginMs = Math.min(5_000, Math.max(2_000, limitMs / 10))
  return new Date(startedAt + Math.max(0, limitMs - marginMs))
}

/**
 * What an adapter does after a drain. A drain that had to go with work left says that there is something to do at once:
 * where it goes on by itself, nobody needs to be woken for it.
 */
export function waking(wakeAt: WakeAt | undefined, env: object, goesOn: boolean) {
  return async ({ nextWakeAt, stopReason }: Report): Promise<void> => {
    const hadToGo = stopReason === 'deadline' || stopReason === 'budget'
    if (nextWakeAt && !(goesOn && hadToGo)) await wakeAt?.(nextWakeAt, env)
  }
}

/** Where there is a process. On edge the platform hands its environment over. */
export function processEnv(): object {
  const { process } = globalThis as { process?: { env?: object } }
  return process?.env ?? {}
}
