import type { Json } from './task.ts'
import type { FoundTask } from './tasks.ts'

/** A year: longer than any of these is a mistake. `sql/unique_wish.sql` says the same of an insert. */
const longest = 31_536_000

/** What makes the jobs of a task unique, as the database is told; null for a task whose jobs need not be. */
export function uniqueRuleOf({ name, definition }: FoundTask, problems: string[]): Json {
  const { unique, uniqueKey, debounceSeconds, params } = definition
  if (unique === undefined && uniqueKey === undefined && debounceSeconds === undefined) return null
  const found = [
    ...uniqueProblems(unique),
    ...(uniqueKey === undefined ? [] : keyProblems(uniqueKey, Object.keys(params))),
    ...(debounceSeconds === undefined ? [] : debounceProblems(debounceSeconds, unique)),
  ]
  problems.push(...found.map((problem) => `${name}: ${problem}`))
  return {
    ...(unique !== undefined && { unique }),
    ...(uniqueKey !== undefined && { unique_params: [uniqueKey].flat().toSorted() }),
    ...(debounceSeconds !== undefined && { debounce_seconds: debounceSeconds }),
  }
}

function uniqueProblems(unique: unknown): string[] {
  if (unique === undefined || unique === 'waiting' || unique === 'active') return []
  if (typeof unique === 'object' && unique !== null && Object.keys(unique).join() === 'withinSeconds') {
    const seconds: unknown = Reflect.get(unique, 'withinSeconds')
    return isLength(seconds) ? [] : [`withinSeconds must be ${lengths}, got ${String(seconds)}: change it`]
  }
  return [`unique must be "waiting", "active" or { withinSeconds }, got ${JSON.stringify(unique)}: change it`]
}

function keyProblems(uniqueKey: unknown, params: readonly string[]): string[] {
  const names = [uniqueKey].flat()
  if (names.length === 0) return ['uniqueKey names no parameter: name one, or leave it out for all arguments']
  return names
    .filter((name) => !params.some((param) => param === name))
    .map((name) => {
      const known = params.length > 0 ? `known: ${params.join(', ')}` : 'it takes none'
      return `uniqueKey names ${JSON.stringify(name)}, which is no parameter (${known}): remove it, or add it to params`
    })
}

function debounceProblems(debounceSeconds: unknown, unique: unknown): string[] {
  if (!isLength(debounceSeconds))
    return [`debounceSeconds must be ${lengths}, got ${String(debounceSeconds)}: change it`]
  if (unique === undefined || unique === 'waiting') return []
  return ['debounceSeconds moves a job that waits: it goes with unique "waiting", so remove one of them']
}

const lengths = `a number above 0, at most ${longest}`

function isLength(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value <= longest
}
