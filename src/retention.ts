import { JobMasterError } from './errors.ts'

/** How long finished jobs are kept: `{ completed: '7 days', failed: '30 days' }`. What is left out is kept for ever. */
export interface Retention {
  /** Completed and expanded jobs. */
  completed?: string
  /** Failed and cancelled jobs. */
  failed?: string
}

const seconds = { second: 1, minute: 60, hour: 3_600, day: 86_400, week: 604_800 } as const

/**
 * The same in seconds, as a claim says it.
 * @throws JobMasterError JM008 naming what is no such time.
 */
export function retentionSeconds(keep: Retention): Retained {
  return Object.fromEntries(
    Object.entries(keep)
      .filter(([, age]) => age !== undefined)
      .map(([what, age]) => [what, secondsOf(what, age)]),
  )
}

export type Retained = { [K in keyof Retention]: number }

function secondsOf(what: string, age: unknown): number {
  if (what !== 'completed' && what !== 'failed') {
    throw new JobMasterError('JM008', `createJobMaster: keep has no "${what}", only completed and failed`)
  }
  const [, count, unit] = /^(\d+(?:\.\d+)?) (second|minute|hour|day|week)s?$/.exec(String(age)) ?? []
  if (count === undefined) {
    throw new JobMasterError(
      'JM008',
      `createJobMaster: keep.${what} must be a time such as '7 days' (seconds, minutes, hours, days or weeks), got ${JSON.stringify(age)}`,
    )
  }
  return Number(count) * seconds[unit as keyof typeof seconds]
}
