import { InvalidArgumentError } from 'commander'

/** Reads a whole number from `least` on. */
export function wholeNumber(least = -Infinity): (text: string) => number {
  return (text) => {
    const found = /^[+-]?\d+$/.test(text) ? Number(text) : NaN
    if (Number.isSafeInteger(found) && found >= least) return found
    throw new InvalidArgumentError(`write a whole number${least === -Infinity ? '' : ` from ${least}`}`)
  }
}

/** Reads a job's id, `42` or `#42`. */
export function jobId(text: string): number {
  const found = /^#?(\d{1,15})$/.exec(text)
  if (found) return Number(found[1])
  throw new InvalidArgumentError("write a job's id, a whole number such as 42")
}

/** Reads a group's id. */
export function groupId(text: string): number {
  const found = /^#?(\d{1,15})$/.exec(text)
  if (found) return Number(found[1])
  throw new InvalidArgumentError("write a group's id, a whole number such as 42")
}

/** Reads the ids of groups, `12,13`. */
export function groupIds(text: string): number[] {
  return text.split(',').map((id) => groupId(id.trim()))
}

/** For commander, which hands over what it has read so far. */
export function jobIds(text: string, before: readonly number[] = []): number[] {
  return [...before, jobId(text)]
}
