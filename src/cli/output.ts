import { stripVTControlCharacters } from 'node:util'
import picocolors from 'picocolors'

type Colors = ReturnType<typeof picocolors.createColors>

/** Where a command's answer and its notes go: the answer to stdout, all else to stderr. */
export interface Output {
  /** Whether the answer is JSON, a line each. */
  readonly json: boolean
  /** Whether somebody looks at stdout. */
  readonly isTerminal: boolean
  readonly columns: number
  /** Colours of stdout, and of stderr. */
  readonly color: Colors
  readonly errorColor: Colors
  /** The answer: as JSON, or as people read it. */
  answer(value: unknown, forPeople: () => string): void
  /** For people; nobody who asked for JSON hears it. */
  note(line: string): void
  error(line: string): void
}

export function openOutput(json: boolean, { stdout, stderr, env } = process): Output {
  const isTerminal = stdout.isTTY === true
  return {
    json,
    isTerminal,
    columns: stdout.columns || 80,
    color: picocolors.createColors(isColored(isTerminal, env)),
    errorColor: picocolors.createColors(isColored(stderr.isTTY === true, env)),
    answer(value, forPeople) {
      stdout.write(`${json ? JSON.stringify(value) : forPeople()}\n`)
    },
    note(line) {
      if (!json) stderr.write(`${line}\n`)
    },
    error(line) {
      stderr.write(`${line}\n`)
    },
  }
}

/** https://no-color.org and https://force-color.org. The library's own look at it also counts a CI as a terminal. */
function isColored(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0'
  return isTerminal && env.TERM !== 'dumb'
}

/** A text from a job, which may hold what moves a terminal's cursor or paints on it. */
export function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what has to go
  return stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
}
