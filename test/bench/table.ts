import type { Size } from '../../scripts/size.ts'
import type { Asked } from './case.ts'
import { type Measured, median, shown } from './rounds.ts'

export interface Compared extends Asked {
  median: number
  lowest: number
  highest: number
  reached: boolean
}

/** What is asked, round by round: only what ran in the same round is compared. */
export function compare(asked: readonly Asked[], measured: readonly Measured[]): Compared[] {
  const known = new Set(measured.map(({ name }) => name))
  return asked.flatMap((one) => {
    if (!namesIn(one).every((name) => known.has(name))) return []
    const [to, beyond] = [bestOfRounds(one.to, measured), bestOfRounds(one.beyond, measured)]
    const values = bestOfRounds(one.of, measured).map(
      (value, round) => (value - (beyond[round] ?? 0)) / (to[round] ?? 1),
    )
    const middle = median(values)
    const reached = middle >= (one.least ?? 0) && middle <= (one.most ?? Infinity)
    return [{ ...one, median: middle, lowest: Math.min(...values), highest: Math.max(...values), reached }]
  })
}

/** The cases, and parts of cases, that it is asked of. */
export function namesIn({ of, to = [], beyond = [] }: Asked): string[] {
  return [of, to, beyond].flat()
}

function bestOfRounds(names: string | string[] = [], measured: readonly Measured[]): number[] {
  const cases = measured.filter(({ name }) => [names].flat().includes(name))
  const [first] = cases
  const best = first?.unit === 'jobs/s' ? Math.max : Math.min
  return first?.values.map((_, round) => best(...cases.map(({ values }) => values[round] ?? Number.NaN))) ?? []
}

export function tables(measured: readonly Measured[], compared: readonly Compared[], sizes: readonly Size[]): string {
  const cases = measured.map(({ name, unit, values, statementsPerJob }) => [
    name,
    shown(median(values)),
    `${shown(Math.min(...values))} to ${shown(Math.max(...values))}`,
    unit,
    statementsPerJob === undefined ? '' : statementsPerJob.toPrecision(2),
  ])
  const reached = compared.map(({ what, least, most, median, lowest, highest, reached }) => [
    what,
    least === undefined ? `at most ${most}` : `at least ${least}`,
    median.toFixed(2),
    `${lowest.toFixed(2)} to ${highest.toFixed(2)}`,
    reached ? 'yes' : 'no',
  ])
  const parts = [table(['case', 'median', 'spread', 'unit', 'statements a job'], cases)]
  if (reached.length > 0) parts.push(table(['what is asked', 'asked', 'median', 'spread', 'reached'], reached))
  if (sizes.length > 0) {
    const rows = sizes.map(({ what, minified, gzipped }) => [what, shown(minified), shown(gzipped)])
    parts.push(table(['bundle', 'bytes, minified', 'gzipped'], rows))
  }
  return parts.join('\n\n')
}

function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
