/** Rows in portions that stay below Postgres's 65,535 parameters a statement. */
export function* portions<T>(rows: readonly T[], size = 1_000): Generator<T[]> {
  for (let start = 0; start < rows.length; start += size) yield rows.slice(start, start + size)
}
