import { JobMasterError } from './errors.ts'
import { storable } from './json.ts'
import type { ClaimedJob, Note } from './queue.ts'

/** Of an attempt, as `sql/note.sql` keeps them. */
const maximumLines = 200
/** In UTF-16 units, of a line or of what progress says. */
const maximumMessage = 1_000

/** What the handler of one attempt says of itself, until it is sent. */
export class Notes {
  /** In UTF-16 units, of what waits to be sent. */
  length = 0
  readonly #job: ClaimedJob
  readonly #now: () => number
  #progress: Note[2] = null
  #lines: (readonly [line: number, at: number, message: string])[] = []
  #line = 0

  constructor(job: ClaimedJob, now: () => number) {
    this.#job = job
    this.#now = now
  }

  /** How far the job is. @throws JobMasterError JM008 where it is not from 0 to 1 */
  tell(value: number, message: string | undefined): void {
    const [, task] = this.#job
    // The comparison fails for NaN.
    if (typeof value !== 'number' || !(value >= 0 && value <= 1)) {
      throw new JobMasterError('JM008', `${task}: progress must be a number from 0 to 1, got ${shown(value)}`)
    }
    if (message !== undefined && typeof message !== 'string') {
      throw new JobMasterError('JM008', `${task}: the message of progress must be a string, got ${typeof message}`)
    }
    this.#progress = [value, message === undefined ? null : storable(message, maximumMessage)]
    this.length += 1 + (message?.length ?? 0)
  }

  /** A line of its log, as it is kept. */
  log(message: unknown, fields: object | undefined): void {
    const text = storable(shown(message) + (fields === undefined ? '' : ` ${shown(fields)}`), maximumMessage)
    this.#line += 1
    this.#lines.push([this.#line, this.#now(), text])
    this.length += 1 + text.length
    if (this.#lines.length > maximumLines) this.length -= 1 + (this.#lines.shift()?.[2].length ?? 0)
  }

  /** What was said since it was last taken; null where nothing was. */
  take(): Note | null {
    if (this.#progress === null && this.#lines.length === 0) return null
    const [id, , attempt] = this.#job
    const now = this.#now()
    const lines = this.#lines.map(([line, at, message]) => [line, Math.max(0, now - at), message] as const)
    const note: Note = [id, attempt, this.#progress, lines]
    this.#progress = null
    this.#lines = []
    this.length = 0
    return note
  }
}

/** Whatever it is, as text: what is logged must not keep a handler from its work. */
function shown(value: unknown): string {
  try {
    return typeof value === 'object' ? JSON.stringify(value) : String(value)
  } catch {
    return 'something that cannot be shown'
  }
}
