import { Cron } from 'croner'
import type { AskedSchedule, Ticks } from './queue.ts'

/** When a schedule is due, by the clock of a time zone. */
export interface Recurrence {
  cron: string
  timezone: string
}

/** How many ticks are known ahead: what is due then is due without anybody computing it. */
const mostAhead = 100
/** Nor further than this, beyond the next two: rules of time zones change. */
const daysAhead = 35

/** The ticks after a time, in order. */
export function comingTicks(recurrence: Recurrence, after: Date): Date[] {
  const ticks = cronOf(recurrence).nextRuns(mostAhead, after)
  const horizon = after.getTime() + daysAhead * 86_400_000
  return ticks.filter((tick, index) => index < 2 || tick.getTime() <= horizon)
}

/** Why there is no such recurrence, if so: croner's own words for what is wrong with the expression. */
export function recurrenceProblem({ cron, timezone }: Recurrence): string | undefined {
  try {
    Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    return `unknown timezone ${JSON.stringify(timezone)}: give an IANA name, such as "Europe/Berlin"`
  }
  const what = `cron ${JSON.stringify(cron)}`
  try {
    if (cronOf({ cron, timezone }).nextRun(new Date()) === null) return `${what} never comes: there is no such day`
  } catch (error) {
    const words = (error instanceof Error ? error.message : String(error)).replace(/^CronPattern: /, '')
    return `${what} is not understood (${words}): write minute, hour, day of month, month and day of week`
  }
  return undefined
}

/**
 * What a claim asked for: the ticks that follow those it has. Of schedules that catch up with no more than the last one
 * missed, the ones before that are left out. One whose time zone this runtime does not know is left to another.
 */
export function ticksFor(asked: readonly AskedSchedule[]): Ticks[] {
  return asked.flatMap(([id, cron, timezone, catchUp, computedUntil, now]) => {
    try {
      const until = new Date(computedUntil)
      const moment = new Date(now)
      const isBehind = catchUp !== 'all' && moment > until
      const missed = isBehind
        ? cronOf({ cron, timezone })
            // Those before the next second: one that is due this very moment is among them.
            .previousRuns(1, new Date(Math.floor(moment.getTime() / 1_000) * 1_000 + 1_000))
            .filter((tick) => tick > until)
        : []
      const ticks = [...missed, ...comingTicks({ cron, timezone }, isBehind ? moment : until)]
      return [[id, cron, timezone, computedUntil, ticks.map((tick) => tick.toISOString())]]
    } catch (error) {
      console.warn(`jobmaster: the ticks of ${cron} in ${timezone} cannot be computed here:`, error)
      return []
    }
  })
}

function cronOf({ cron, timezone }: Recurrence): Cron {
  return new Cron(cron, { timezone, mode: '5-part' })
}
