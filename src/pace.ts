import type { ClaimedJob } from './queue.ts'

const maximumBatch = 500
/** The same where the way to the database and back takes longer than this: then it is most of what a claim takes. */
const maximumFarBatch = 2_000
const farMs = 5
/** As much is claimed ahead as takes about this long. */
const aheadMs = 100
/** What was claimed ahead and would take longer than this goes back: another invocation may be free. */
const hoardMs = 1_000
/** What one claim may bring, in UTF-16 units of the arguments' JSON, as far as it can be known before. */
const maximumLength = 8_000_000
/** How long a free slot waits for others, so that one claim serves them together; and the same at the most. */
const patienceMs = [20, 250] as const

/** How much a drain claims, and how long it waits: learnt from how long its jobs and its statements take. */
export class Pace {
  readonly #concurrency: number
  readonly #settleMs: number
  readonly #batchSize: number | undefined
  #claimSize: number
  #most = Infinity
  #seen = 0
  #averageMs = 0
  #statementMs = 0
  /** The shortest way to the database and back. */
  #wayMs = Infinity

  constructor(concurrency: number, settleMs: number, batchSize: number | undefined) {
    this.#concurrency = concurrency
    this.#settleMs = settleMs
    this.#batchSize = batchSize
    this.#claimSize = Math.min(concurrency, maximumBatch)
  }

  /** A job has ended. The newest ten or so count. */
  ended(durationMs: number): void {
    this.#seen += 1
    this.#averageMs += (durationMs - this.#averageMs) / Math.min(this.#seen, 10)
  }

  /** Jobs were claimed. The first, the middle and the last of them tell how large the next may be. */
  claimed(jobs: readonly ClaimedJob[]): void {
    const few = [jobs[0], jobs[jobs.length >> 1], jobs.at(-1)]
    this.#most = Math.max(1, Math.floor((maximumLength * few.length) / JSON.stringify(few).length))
  }

  /** A statement was answered, which took so long in the database. The slowest of the last few counts. */
  answered(durationMs: number, tookMs: number): void {
    this.#statementMs = Math.max(durationMs, this.#statementMs * 0.9)
    this.#wayMs = Math.min(this.#wayMs, durationMs - tookMs)
  }

  /**
   * How many jobs to claim while so many run: for as long ahead as jobs are short, four times the last claim at the most;
   * as many as there are free slots where they are not.
   */
  wanted(running: number): number {
    return Math.min(this.#inTime(running), this.#most)
  }

  #inTime(running: number): number {
    if (this.#batchSize !== undefined) return this.#batchSize
    if (this.#seen > 0) {
      const inTime = Math.ceil((aheadMs * this.#concurrency) / Math.max(this.#averageMs, 0.1))
      const most = Math.min(this.#claimSize * 4, this.#wayMs > farMs ? maximumFarBatch : maximumBatch)
      this.#claimSize = Math.min(Math.max(inTime, Math.min(this.#concurrency, maximumBatch)), most)
    }
    return this.#claimSize > this.#concurrency
      ? this.#claimSize
      : Math.max(1, Math.min(this.#concurrency - running, this.#claimSize))
  }

  /** Whether so many jobs will have run by the time that a statement sent now is answered. */
  aheadOf(count: number): boolean {
    const takesMs = (count * this.#averageMs) / this.#concurrency
    return this.#seen > 0 && takesMs <= this.#statementMs && count * 2 <= this.mostAhead
  }

  /** How many jobs may be held that have not started. */
  get mostAhead(): number {
    if (this.#averageMs === 0) return Infinity
    return Math.max(this.#concurrency, Math.ceil((hoardMs * this.#concurrency) / this.#averageMs))
  }

  /** The time that the last statement may need, in milliseconds. */
  get marginMs(): number {
    return Math.min(Math.max(50, this.#statementMs * 2), Math.max(this.#settleMs / 2, 1))
  }

  /** How long a free slot waits for others. */
  get patienceMs(): number {
    return Math.min(Math.max(patienceMs[0], this.#statementMs * 2), patienceMs[1])
  }
}
