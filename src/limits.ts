import type { Definition } from './task.ts'

/** The limits of a task as `deploy_catalog` takes them. */
export interface LimitsJson {
  readonly process_limit: number | null
  readonly process_limit_per: readonly string[] | null
  readonly rate_limit: number | null
  readonly rate_seconds: number | null
  readonly rate_limit_per: readonly string[] | null
}

/** A claim looks at as many starts for each key. */
const maximumRate = 10_000
/** 30 days: a start is kept for as long as its window. */
const longestWindow = 2_592_000
const maximumLimit = 2_147_483_647

/** What a task's `processLimit` and `rateLimit` say, with what is wrong with them added to the problems. */
export function limitsOf(name: string, definition: Definition, problems: string[]): LimitsJson {
  const { processLimit, rateLimit, params } = definition
  const whole = (option: string, value: unknown, most: number): number | null => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value
    problems.push(`${name}: ${option} must be a whole number from 1 to ${most}, got ${String(value)}: change it`)
    return null
  }
  const named = (option: string, per: unknown): readonly string[] | null => {
    if (per === undefined) return null
    if (!Array.isArray(per) || per.length === 0) {
      problems.push(`${name}: ${option}.per must be a list of param names: name some, or leave it out`)
      return null
    }
    const known = Object.keys(params)
    for (const param of per) {
      if (known.includes(param)) continue
      problems.push(
        `${name}: ${option}.per names "${String(param)}", which is no parameter (${known.length > 0 ? `known: ${known.join(', ')}` : 'it takes none'}): remove it, or add it to params`,
      )
    }
    return [...new Set(per.map(String))].sort()
  }

  const isNumber = typeof processLimit !== 'object' || processLimit === null
  const process_limit = isNumber
    ? processLimit === undefined || processLimit === null
      ? null
      : whole('processLimit', processLimit, maximumLimit)
    : whole('processLimit.max', processLimit.max, maximumLimit)
  const process_limit_per = isNumber ? null : named('processLimit', processLimit.per)
  const none = { process_limit, process_limit_per, rate_limit: null, rate_seconds: null, rate_limit_per: null }
  if (rateLimit === undefined || rateLimit === null) return none
  if (typeof rateLimit !== 'object') {
    problems.push(`${name}: rateLimit must be { max, perSeconds }, got ${String(rateLimit)}: write both`)
    return none
  }
  const rate_limit_per = named('rateLimit', rateLimit.per)
  if (process_limit_per && rate_limit_per && process_limit_per.join() !== rate_limit_per.join()) {
    problems.push(
      `${name}: processLimit is per ${process_limit_per.join(', ')} and rateLimit per ${rate_limit_per.join(', ')}: give both the same per, or leave one out`,
    )
  }
  return {
    process_limit,
    process_limit_per,
    rate_limit: whole('rateLimit.max', rateLimit.max, maximumRate),
    rate_seconds: whole('rateLimit.perSeconds', rateLimit.perSeconds, longestWindow),
    rate_limit_per,
  }
}
