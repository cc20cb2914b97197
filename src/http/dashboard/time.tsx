import { span } from '../../graph-svg.ts'

/** A time as one would say it, with the exact one in its title. */
export function Time({ at, now }: { at: Date | null; now: Date }) {
  if (!at) return <span class="none">–</span>
  return (
    <time datetime={at.toISOString()} title={exact(at)}>
      {relative(at, now)}
    </time>
  )
}

/** To the second. */
export function exact(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

export function relative(at: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - at.getTime()) / 1_000)
  if (Math.abs(seconds) < 1) return 'now'
  return seconds > 0 ? `${short(seconds)} ago` : `in ${short(-seconds)}`
}

/** Milliseconds as one reads them: 12 ms, 1.4 s, 3 min 20 s. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  return span(Math.round(ms / 1_000))
}

/** The first of the units alone. */
function short(seconds: number): string {
  return /^\S+ \S+/.exec(span(seconds))?.[0] ?? '0 s'
}

/** With thousands set apart. */
export function count(number: number): string {
  return number.toLocaleString('en-US')
}
