type Cell = string | number

/** Lays rows out as a table for a terminal: texts to the left, numbers to the right and with as many decimals as their column needs. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const columns = headings.map((heading, index) =>
    columnOf(
      heading,
      rows.map((row) => row[index] ?? ''),
    ),
  )
  return [headings, ...rows].map((_, line) =>
    columns
      .map((cells) => cells[line])
      .join('  ')
      .trimEnd(),
  )
}

/** The heading and the cells under it, all of one width. */
function columnOf(heading: string, cells: readonly Cell[]): string[] {
  const isNumber = cells.some((cell) => typeof cell === 'number')
  const isWhole = cells.every((cell) => typeof cell === 'string' || Number.isInteger(cell))
  const texts = [
    heading,
    ...cells.map((cell) => (typeof cell === 'string' || isWhole ? String(cell) : cell.toFixed(1))),
  ]
  const width = Math.max(...texts.map((text) => text.length))
  return texts.map((text) => (isNumber ? text.padStart(width) : text.padEnd(width)))
}
