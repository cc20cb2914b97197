import { InvalidArgumentError } from 'commander'
import ms from 'ms'

/** Reads `60s`, `5m`, `2h`: milliseconds. */
export function duration(text: string): number {
  const found = text.length <= 100 ? ms(text as ms.StringValue) : undefined
  // Typed as always a number; what it cannot read is undefined.
  if (found === undefined || !Number.isFinite(found) || found <= 0) {
    throw new InvalidArgumentError('write a duration such as 60s, 5m or 2h')
  }
  return found
}

/** Reads a point in time, or a duration from now. */
export function time(text: string): Date {
  const at = new Date(text)
  if (/\d{4}-\d\d/.test(text) && !Number.isNaN(at.getTime())) return at
  try {
    return new Date(Date.now() + duration(text))
  } catch {
    throw new InvalidArgumentError('write a time such as 2030-01-31T12:00:00Z, or a duration from now such as 10m')
  }
}

/** How long ago, or in how long. */
export function relative(at: Date, now = Date.now()): string {
  const difference = at.getTime() - now
  if (Math.abs(difference) < 1_000) return 'now'
  return difference < 0 ? `${ms(-difference)} ago` : `in ${ms(difference)}`
}
