import Table from 'cli-table3'
import type { Output } from './output.ts'

type Cell = string | number

/** Columns without lines between them: texts to the left, numbers to the right. */
export function table(out: Output, headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const numeric = headings.map((_, column) => rows.some((row) => typeof row[column] === 'number'))
  const laidOut = new Table({
    head: headings.map((heading) => out.color.dim(heading)),
    colAligns: numeric.map((isNumber) => (isNumber ? 'right' : 'left')),
    chars: lines,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
  })
  for (const row of rows) laidOut.push([...row])
  return laidOut
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

const none = ''
const lines = {
  top: none,
  'top-mid': none,
  'top-left': none,
  'top-right': none,
  bottom: none,
  'bottom-mid': none,
  'bottom-left': none,
  'bottom-right': none,
  left: none,
  'left-mid': none,
  mid: none,
  'mid-mid': none,
  right: none,
  'right-mid': none,
  middle: none,
}
