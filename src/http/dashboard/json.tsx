/** JSON laid out to be read; one value a line where it is an object. */
export function JsonBlock({ value, label }: { value: unknown; label: string }) {
  return (
    <pre tabindex={0} role="group" aria-label={label}>
      {JSON.stringify(value, null, 2)}
    </pre>
  )
}

/** On one line, as in a list. */
export function inline(args: Record<string, unknown>): string {
  const parts = Object.entries(args).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  return parts.join(', ') || 'no arguments'
}
