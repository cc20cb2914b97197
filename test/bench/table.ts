import type { Ratio } from './case.ts'
import { type Measured, median, shown } from './rounds.ts'

export interface Compared extends Ratio {
  median: number
  lowest: number
  highest: number
  reached: boolean
}

/** Each ratio by its rounds: only what ran in the same round is compared. */
export function compare(ratios: readonly Ratio[], measured: readonly Measured[]): Compared[] {
  return ratios.flatMap((ratio) => {
    const of = bestOfRounds(ratio.of, measured)
    const to = bestOfRounds(ratio.to, measured)
    if (!of || !to) return []
    const values = of.map((value, round) => value / (to[round] ?? Number.NaN))
    const middle = median(values)
    const reached = middle >= (ratio.least ?? 0) && middle <= (ratio.most ?? Infinity)
    return [{ ...ratio, median: middle, lowest: Math.min(...values), highest: Math.max(...values), reached }]
  })
}

function bestOfRounds(names: string | string[], measured: readonly Measured[]): number[] | undefined {
  const cases = [names].flat().map((name) => measured.find((one) => one.name === name))
  if (cases.some((one) => one === undefined)) return undefined
  const [first] = cases
  const best = first?.unit === 'jobs/s' ? Math.max : Math.min
  return first?.values.map((_, round) => best(...cases.map((one) => one?.values[round] ?? Number.NaN)))
}

export function tables(measured: readonly Measured[], compared: readonly Compared[]): string {
  const cases = measured.map(({ name, unit, values, statementsPerJob }) => [
    name,
    shown(median(values)),
    `${shown(Math.min(...values))} to ${shown(Math.max(...values))}`,
    unit,
    statementsPerJob === undefined ? '' : statementsPerJob.toPrecision(2),
  ])
  const ratios = compared.map(({ what, least, most, median, lowest, highest, reached }) => [
    what,
    least === undefined ? `at most ${most}` : `at least ${least}`,
    median.toFixed(2),
    `${lowest.toFixed(2)} to ${highest.toFixed(2)}`,
    reached ? 'yes' : 'no',
  ])
  const parts = [table(['case', 'median', 'spread', 'unit', 'statements a job'], cases)]
  if (ratios.length > 0) parts.push(table(['ratio', 'asked', 'median', 'spread', 'reached'], ratios))
  return parts.join('\n\n')
}

function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
