import { type InvocationContext, JobContext } from './context.ts'
import { countEnded, type EndedJob, outcomesOf } from './ended.ts'
import { DeadlineReached, type Ending, execute } from './executor.ts'
import type { AskedSchedule, ClaimAnswer, ClaimedJob, ClaimRequest, MetDependency, Note } from './queue.ts'
import type { Logger } from './logger.ts'
import { Pace } from './pace.ts'
import { emptyReport, type Report } from './report.ts'
import type { Retained } from './retention.ts'
import { checkOptions, type RunOptions } from './run-options.ts'
import { after, inTime, send, sleep, TooLate } from './send.ts'
import type { Tasks } from './tasks.ts'
import type { Telemetry } from './telemetry.ts'

/** What a drain needs of whoever starts it. */
export interface Invocation {
  tasks: Tasks
  system: string
  units: number
  keep: Retained | undefined
  /** Milliseconds, as Date.now. */
  now: () => number
  settleAndClaim: (request: ClaimRequest) => Promise<ClaimAnswer>
  /** How many statements the database can be sent at once. */
  statementsAtOnce: number
  telemetry: Telemetry | undefined
  /** What handlers log goes here too. */
  logger: Logger | undefined
  /** `commit` is told which invocation it is of. */
  context: Pick<InvocationContext, 'db' | 'env' | 'insert' | 'insertQuery'>
  commit: (invocation: string, ...rest: Parameters<InvocationContext['commit']>) => Promise<void>
}

interface RunningJob {
  job: ClaimedJob
  startedAt: number
  context: JobContext
}

/** How long an outcome may wait to be written while other jobs run: it is what a crash would repeat. */
const flushMs = 250
/** Nor may more wait than this, in UTF-16 units of the results' JSON: it is sent in one statement. */
const maximumLength = 4_000_000
/** How long what running handlers say waits for a statement that is made anyway, before there is one for it. */
const noteMs = 5_000
/** How often a drain that waits for its last handlers looks for new jobs: at first, and at the most. */
const pollMs = [1_000, 15_000] as const
/** A drain with time left waits for so long, at the most and at the least, for a rate to let a job start. */
const rateMs = [1_000, 10_000] as const
/** A claim starts from the top of the queue again after so long, whatever was taken last. */
const fromTopMs = 1_000
const contendedMs = 20
/** A claim of so many jobs is large: a second connection is worth its while. */
const fullFrom = 100

/**
 * Runs jobs until none is left that may run now, or it is time to go, and returns what it did. Nothing of it stays.
 * @param deadline when handlers' signals fire. It returns by `settleMs` after that, unless a handler blocks the event loop.
 * @throws JobMasterError when the database is not deployed, is out of reach, or refuses; handlers' signals fire then.
 */
export function drain(invocation: Invocation, deadline: Date, options: RunOptions = {}): Promise<Report> {
  return new Drain(invocation, deadline, options).run()
}

class Drain {
  readonly report = emptyReport()
  readonly #invocation: Invocation
  readonly #options: RunOptions
  readonly #concurrency: number
  readonly #settleMs: number
  readonly #statementBudget: number
  readonly #statementsPerJob: number
  readonly #context: InvocationContext
  readonly #now: () => number
  readonly #deadline: Date
  readonly #id = crypto.randomUUID()
  /** Fires at the deadline, or when the drain is aborted. */
  readonly #stopping = new AbortController()
  #stop: Report['stopReason'] | null = null
  /** When handlers must have ended, and the drain returns: set by the deadline, or earlier by an abort. */
  #leaveAt: number

  #ready: ClaimedJob[] = []
  #met: Partial<Record<number, MetDependency[]>> = {}
  readonly #running = new Map<number, RunningJob>()
  #ended: EndedJob[] = []
  #released: ClaimedJob[] = []
  readonly #kept: Promise<unknown>[] = []
  readonly #callbackErrors: unknown[] = []
  #wake: () => void = () => {}

  #started = 0
  #sequence = 0
  #since = 0
  #after: ClaimRequest['after'] = null
  #takeBack = false
  /** The last answer asked for their ticks, and has some that are due and wait for them. */
  #schedules: readonly AskedSchedule[] = []
  #overdue = false
  /** What runs has cost an invocation its life before: nothing is put beside it. */
  #alone = false
  /** The last answer brought a large claim in full: there is more where it came from. */
  #full = false
  /**
   * How many calls may be on their way. One, once a claim has brought less than it asked for: there is little left, or what
   * runs has to end first, by units and limits. Or has waited for that of another invocation: two would wait longer.
   */
  #atOnce: number
  /** The calls that are on their way, and why one of them failed. */
  readonly #calls = new Set<Promise<void>>()
  #callError: unknown
  #fromTopAt = 0
  readonly #pace: Pace
  /** Since when an outcome waits to be written, and since when a handler could run and there is none. */
  #endedSince = 0
  #endedLength = 0
  #slotFreeSince = 0
  /** Since when something that a running handler said waits to be kept. */
  #notedSince = 0
  /** The last claim found nothing: the next comes when something has ended, or after this. */
  #pollAt: number | null = null
  #pollDelay: number = pollMs[0]
  /** Nothing runs, and a rate lets the next job start then. */
  #freesAt = 0
  /** Whether the last answer said what is left, and when to come back. */
  #informed = false

  constructor(invocation: Invocation, deadline: Date, options: RunOptions) {
    checkOptions(deadline, options)
    this.#invocation = invocation
    this.#options = options
    this.#concurrency = options.concurrency ?? 10
    this.#settleMs = options.settleMs ?? 1_000
    this.#statementBudget = options.statementBudget ?? Infinity
    this.#statementsPerJob = options.statementsPerJob ?? 0
    const counted =
      <Given extends unknown[], Result>(sent: (...given: Given) => Result) =>
      (...given: Given) => {
        this.report.statements += 1
        return sent(...given)
      }
    this.#context = {
      ...invocation.context,
      insert: counted(invocation.context.insert),
      commit: counted((...given) => invocation.commit(this.#id, ...given)),
      deadline,
      stopping: this.#stopping.signal,
      nameOf: invocation.tasks.nameOf,
      keep: (promise) => this.#kept.push(promise),
      now: invocation.now,
      noted: this.#noted,
      logged: this.#logged,
    }
    this.#now = invocation.now
    this.#deadline = deadline
    this.#leaveAt = Math.max(deadline.getTime(), this.#now()) + this.#settleMs
    this.#atOnce = invocation.statementsAtOnce
    this.#pace = new Pace(this.#concurrency, this.#settleMs, options.batchSize)
  }

  async run(): Promise<Report> {
    const { signal, finish } = this.#options
    const abort = () => this.#halt('aborted', signal?.reason)
    const startNoMore = () => {
      this.#stop ??= 'aborted'
      this.#wake()
    }
    if (signal?.aborted) abort()
    if (finish?.aborted) startNoMore()
    signal?.addEventListener('abort', abort)
    finish?.addEventListener('abort', startNoMore)
    const reached = () => this.#halt('deadline', new DeadlineReached('the deadline of the invocation has come'))
    const timer = after(this.#timeLeft(), reached)
    try {
      for (;;) {
        if (this.#timeLeft() <= 0) reached()
        else if (this.#timeLeft() <= this.#pace.marginMs) this.#stop ??= 'deadline'
        if (this.#callError !== undefined) throw this.#callError
        if (this.#timeToClaimAhead()) {
          this.#begin()
          // Handlers that answer at once would keep the driver from sending it.
          await sleep(0)
        }
        this.#startReady()
        if (this.#stop !== null && this.#running.size === 0 && this.#calls.size === 0) break
        if (this.#now() >= this.#leaveAt - this.#pace.marginMs) break
        if (this.#timeToCall()) this.#begin()
        else await this.#somethingToDo()
      }
      await Promise.all(this.#calls)
      if (this.#callError !== undefined) throw this.#callError
      this.report.abandoned = this.#running.size
      this.#releaseBeyond(0)
      if (this.#ended.length > 0 || this.#released.length > 0 || this.#noteAt < Infinity || !this.#informed)
        await this.#lastCall()
      await this.#waitForKept()
    } catch (error) {
      this.#stopping.abort(error)
      // Nothing of a drain goes on when it has returned.
      await Promise.all(this.#calls)
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      finish?.removeEventListener('abort', startNoMore)
      for (const { context } of this.#running.values()) context.end()
    }
    return this.#finished()
  }

  /** Starts what has been claimed, as far as slots and time allow. Handlers that answer at once end here. */
  #startReady(): void {
    if (this.#stop !== null) this.#releaseBeyond(0)
    let next = 0
    while (next < this.#ready.length && this.#running.size < this.#concurrency && this.#endedLength <= maximumLength) {
      if (this.#spent() + this.#statementsPerJob >= this.#statementBudget) {
        this.#stop ??= 'budget'
        break
      }
      const job = this.#ready[next]
      next += 1
      if (job) this.#start(job)
      if (this.#timeLeft() <= 0) break
    }
    if (next > 0) this.#ready = this.#ready.slice(next)
    if (this.#running.size >= this.#concurrency) this.#slotFreeSince = 0
    else this.#slotFreeSince ||= this.#now()
  }

  #start(job: ClaimedJob): void {
    const [id, name] = job
    const task = this.#invocation.tasks.byName.get(name)
    const startedAt = this.#now()
    const timeoutMs = task?.definition.timeoutMs
    const fits = timeoutMs === undefined || timeoutMs <= this.#timeLeft() || this.#started === 0
    // A claim names the tasks its code has: one without a task is none of ours, and goes back.
    if (!task || !fits) {
      this.#released.push(job)
      return
    }
    this.#started += 1
    const context = new JobContext(this.#context, job, this.#met[id] ?? [], timeoutMs)
    const { telemetry } = this.#invocation
    const run = () => execute(task, job, context)
    const ending = telemetry ? telemetry.process(job, run) : run()
    if (ending instanceof Promise) {
      this.#running.set(id, { job, startedAt, context })
      // What it said before it first awaited something.
      if (context.noteLength > 0) this.#noted()
      void this.#finish(job, startedAt, context, ending)
    } else {
      this.#end(context, job, startedAt, ending)
    }
  }

  async #finish(job: ClaimedJob, startedAt: number, context: JobContext, ending: Promise<Ending>): Promise<void> {
    const value = await ending
    this.#running.delete(job[0])
    this.#end(context, job, startedAt, value)
    this.#slotFreeSince ||= this.#now()
    this.#wake()
  }

  #end(context: JobContext, job: ClaimedJob, startedAt: number, ending: Ending): void {
    const now = this.#now()
    if (this.#ended.length === 0) this.#endedSince = now
    this.#endedLength += context.noteLength
    const durationMs = now - startedAt
    this.#ended.push({ job, durationMs, ending, note: context.takeNote() })
    context.end()
    if (ending.outcome === 'completed') this.#endedLength += ending.length ?? 0
    this.#pace.ended(durationMs)
  }

  readonly #noted = (): void => {
    if (this.#notedSince > 0 || this.#running.size === 0) return
    this.#notedSince = this.#now()
    this.#wake()
  }

  readonly #logged: InvocationContext['logged'] = (job, message, fields) => {
    this.#told(() =>
      this.#invocation.logger?.info({ ...fields, id: job.id, task: job.task, attempt: job.attempt }, message),
    )
  }

  /** What the application's own callback throws is thrown once all is settled. */
  #told(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.#callbackErrors.push(error)
    }
  }

  /** What running handlers have said, as much as one statement takes: the rest goes with the next. */
  #takeNotes(ended: readonly EndedJob[]): Note[] {
    const notes = ended.flatMap(({ note }) => (note ? [note] : []))
    let length = 0
    this.#notedSince = 0
    for (const { context } of this.#running.values()) {
      if (length > maximumLength) {
        if (context.noteLength > 0) this.#notedSince = this.#now()
        continue
      }
      length += context.noteLength
      const note = context.takeNote()
      if (note) notes.push(note)
    }
    return notes
  }

  /** Notes have a statement of their own while less than half of a budget of statements is spent. */
  get #noteAt(): number {
    return this.#notedSince === 0 || this.#spent() * 2 >= this.#statementBudget ? Infinity : this.#notedSince + noteMs
  }

  /** Hands back what was claimed and will not be started here soon. */
  #releaseBeyond(count: number): void {
    if (this.#ready.length <= count) return
    this.#released.push(...this.#ready.slice(count))
    this.#ready = this.#ready.slice(0, count)
  }

  #halt(reason: 'deadline' | 'aborted', cause: unknown): void {
    this.#stop ??= reason
    if (this.#stopping.signal.aborted) return
    this.#leaveAt = Math.min(this.#leaveAt, this.#now() + this.#settleMs)
    this.#stopping.abort(cause)
    this.#wake()
  }

  /** A statement sent now brings the next jobs by the time that those at hand have run: the database works meanwhile. */
  #timeToClaimAhead(): boolean {
    return (
      this.#atOnce > 1 &&
      this.#calls.size === 0 &&
      this.#ready.length > 0 &&
      this.#moreAtOnce() &&
      this.#pace.aheadOf(this.#ready.length)
    )
  }

  /** Whether another statement may be on its way: the last claim was large and full, which a job tried alone is not. */
  #moreAtOnce(): boolean {
    return (
      this.#full && this.#stop === null && this.#calls.size < this.#atOnce && this.#spent() + 4 < this.#statementBudget
    )
  }

  #timeToCall(): boolean {
    if (this.#calls.size > 0) {
      return this.#moreAtOnce() && this.#ready.length === 0 && this.#running.size === 0 && this.#ended.length > 0
    }
    const now = this.#now()
    const flush = this.#ended.length > 0 && (now - this.#endedSince >= flushMs || this.#endedLength > maximumLength)
    // The last statement of a budget is kept for when all have ended.
    if (this.#onLastStatement() && this.#running.size > 0) return false
    if (now >= this.#noteAt) return true
    if (this.#stop !== null) return this.#released.length > 0 || flush
    if (this.#running.size === 0) return now >= this.#freesAt || this.#ended.length > 0 || this.#ready.length > 0
    if (this.#ready.length > 0) return flush
    if (this.#pollAt !== null && now < this.#pollAt)
      return this.#ended.length > 0 && now - this.#endedSince >= this.#pace.patienceMs
    return flush || (this.#slotFreeSince > 0 && now - this.#slotFreeSince >= this.#pace.patienceMs)
  }

  /** Until a handler ends, the drain is stopped, or some time is up that timeToCall or the loop looks at. */
  #somethingToDo(): Promise<void> {
    const now = this.#now()
    const times = [this.#leaveAt - this.#pace.marginMs]
    if (this.#calls.size > 0) return this.#awake(times)
    if (this.#onLastStatement()) times.push(this.#deadline.getTime())
    else if (this.#ended.length > 0) times.push(this.#endedSince + flushMs)
    if (!this.#onLastStatement()) times.push(this.#noteAt)
    if (now < this.#freesAt) times.push(this.#freesAt)
    if (this.#stop === null && !this.#onLastStatement()) {
      times.push(this.#deadline.getTime() - this.#pace.marginMs)
      if (this.#ready.length === 0) {
        if (this.#pollAt !== null) times.push(this.#pollAt)
        if (this.#pollAt !== null && this.#ended.length > 0) times.push(this.#endedSince + this.#pace.patienceMs)
        if (this.#pollAt === null && this.#slotFreeSince > 0) times.push(this.#slotFreeSince + this.#pace.patienceMs)
      }
    }
    return this.#awake(times)
  }

  #awake(times: readonly number[]): Promise<void> {
    const timers = Promise.withResolvers<void>()
    this.#wake = timers.resolve
    const timer = after(Math.min(...times) - this.#now(), timers.resolve)
    return timers.promise.finally(() => clearTimeout(timer))
  }

  /** Calls, and goes on: the answer wakes the drain. */
  #begin(): void {
    const call = this.#call()
      .catch((error: unknown) => {
        this.#callError ??= error
      })
      .finally(() => {
        this.#calls.delete(call)
        this.#wake()
      })
    this.#calls.add(call)
  }

  /** Hands in what ended and takes what comes next. */
  async #call(): Promise<void> {
    const ahead = this.#timeToClaimAhead()
    const ticks = this.#schedules.length > 0 ? this.#invocation.tasks.cronReader?.ticksFor(this.#schedules) : undefined
    this.#releaseBeyond(this.#pace.mostAhead)
    // Handlers that answer at once have taken time since the loop looked.
    if (this.#timeLeft() <= this.#pace.marginMs) this.#stop ??= 'deadline'
    const affordable = this.#affordable()
    if (this.#stop === null && affordable === 0) this.#stop = 'budget'
    const limit =
      this.#stop === null &&
      (ahead ||
        (this.#ready.length === 0 &&
          !(this.#alone && this.#running.size > 0) &&
          !(this.#ended.length === 0 && this.#running.size >= this.#concurrency)))
        ? Math.min(this.#pace.wanted(this.#running.size), affordable)
        : 0
    const ended = this.#ended
    const released = this.#released
    this.#ended = []
    this.#endedLength = 0
    this.#released = []
    if (this.#now() - this.#fromTopAt >= fromTopMs) this.#after = null
    if (this.#after === null) this.#fromTopAt = this.#now()
    const sequence = (this.#sequence += 1)
    const single = this.#calls.size === 0
    const notes = this.#takeNotes(ended)
    const answer = await send(
      {
        version: 1,
        invocation: this.#id,
        sequence,
        system: this.#invocation.system,
        units: this.#invocation.units,
        tasks: this.#invocation.tasks.hashes,
        ...outcomesOf(ended, released),
        limit,
        lease_ms: Math.max(0, this.#timeLeft()) + (this.#options.graceMs ?? 30_000),
        time_left_ms: Math.max(0, this.#timeLeft()),
        started: this.#started,
        held: this.#running.size,
        beside: this.#ready.length > 0 || this.#calls.size > 0,
        since: this.#since,
        after: this.#after,
        keep: this.#invocation.keep,
        take_back: this.#takeBack,
        ticks,
        notes: notes.length > 0 ? notes : undefined,
      },
      (sent) => this.#once(sent),
      (delayMs) => this.#now() + delayMs < this.#leaveAt && this.#spent() < this.#statementBudget,
    )
    countEnded(this.report, answer, ended, (job) => this.#told(() => this.#options.onJob?.(job)))
    this.report.released += released.length
    this.#takeIn(answer, limit)
    const filled = answer.jobs.length >= limit
    if (!filled || (answer.queued && single && sequence === this.#sequence)) this.#atOnce = 1
    this.#full = filled && limit >= fullFrom
    // Another invocation is settling what a job here depends on: it is a moment's work.
    if (answer.contended && this.#ready.length === 0) await sleep(contendedMs)
  }

  async #once(request: ClaimRequest): Promise<ClaimAnswer> {
    const sentAt = this.#now()
    this.report.statements += 1
    const answer = await inTime(this.#invocation.settleAndClaim(request), this.#leaveAt - sentAt)
    this.#pace.answered(this.#now() - sentAt, answer.took_ms ?? 0)
    return answer
  }

  /** Where the answer comes too late to wait for, what is known is reported; its jobs are settled, or have their leases. */
  async #lastCall(): Promise<void> {
    const ended = this.#ended.length
    try {
      await this.#call()
    } catch (error) {
      if (!(error instanceof TooLate)) throw error
      this.report.abandoned += ended
    }
  }

  #takeIn(answer: ClaimAnswer, limit: number): void {
    const { report } = this
    const { jobs } = answer
    report.failed += answer.dependents ?? 0
    report.expanded += answer.expanded ?? 0
    report.blocked += answer.blocked ?? 0
    this.#since = answer.since ?? this.#since
    this.#after = answer.after ?? null
    this.#takeBack = answer.expired ?? false
    for (const id of answer.cancel ?? []) this.#running.get(id)?.context.cancel()
    this.#schedules = answer.schedules ?? []
    // Once: where its ticks cannot be computed here, another invocation will.
    this.#overdue = (answer.overdue ?? false) && !this.#overdue && this.#spent() < this.#statementBudget
    this.#informed = jobs.length === 0
    if (answer.stop !== undefined) {
      report.remaining = answer.remaining ?? 0
      report.skew = answer.skew ?? []
      report.nextWakeAt = answer.wake_ms == null ? null : new Date(this.#now() + answer.wake_ms)
    }
    if (jobs.length > 0) {
      this.#ready.push(...jobs)
      this.#pace.claimed(jobs)
      const met = Object.groupBy(answer.met, (one) => one[4])
      this.#met = this.#ready.length > jobs.length ? { ...this.#met, ...met } : met
      this.#alone = answer.alone ?? false
      this.#pollDelay = pollMs[0]
      this.#pollAt = this.#alone ? this.#now() + this.#pollDelay : null
    } else if (
      this.#ready.length === 0 &&
      !this.#overdue &&
      !answer.expanded &&
      !answer.blocked &&
      !answer.contended &&
      !answer.expired
    ) {
      if (limit > 0 && this.#running.size === 0 && this.#ended.length === 0 && this.#calls.size === 1) {
        const waitMs = Math.max(answer.rate_ms ?? Infinity, rateMs[0])
        if (waitMs <= rateMs[1] && waitMs < this.#timeLeft() - this.#pace.marginMs) this.#freesAt = this.#now() + waitMs
        else this.#stop ??= answer.stop ?? 'empty'
      }
      this.#pollAt = this.#now() + this.#pollDelay
      this.#pollDelay = Math.min(this.#pollDelay * 2, pollMs[1])
    }
  }

  #finished(): Report {
    const { report } = this
    // It must not keep what runs from being settled, nor go unseen.
    if (this.#callbackErrors.length > 0) throw this.#callbackErrors[0]
    report.stopReason = this.#stop ?? 'empty'
    const hasToGo = ['deadline', 'budget', 'aborted'].includes(report.stopReason)
    if (hasToGo && report.remaining > 0) report.nextWakeAt = new Date(this.#now())
    return report
  }

  async #waitForKept(): Promise<void> {
    if (this.#kept.length === 0) return
    const left = Math.max(0, Math.max(this.#leaveAt, this.#deadline.getTime()) - this.#now())
    await Promise.race([Promise.allSettled(this.#kept), sleep(left)])
  }

  /** The statements sent, and those that are left to the handlers that were started. */
  #spent(): number {
    return this.report.statements + this.#started * this.#statementsPerJob
  }

  /** How many jobs the budget has room for, beside the statement that claims them and the last one. */
  #affordable(): number {
    const left = this.#statementBudget - this.#spent() - 2
    if (left < 0) return 0
    return this.#statementsPerJob === 0 ? Infinity : Math.floor(left / this.#statementsPerJob)
  }

  #onLastStatement(): boolean {
    return this.#spent() + 1 >= this.#statementBudget
  }

  #timeLeft(): number {
    return this.#deadline.getTime() - this.#now()
  }
}
