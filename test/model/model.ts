import { isDeepStrictEqual } from 'node:util'
import type { ClaimAnswer, ClaimRequest } from '../../src/queue.ts'
import type { Catalog, Definition } from './catalogs.ts'

export type Args = Record<string, unknown>

/** A job as it is compared. Times are microseconds. */
export interface Row {
  id: number
  task: string
  args: Args
  priority: number
  status: 'scheduled' | 'waiting' | 'blocked' | 'running' | 'completed' | 'failed' | 'cancelled' | 'expanded'
  attempt: number
  failures: number
  maxAttempts: number
  units: number
  runAt: number
  blockedAt: number | null
  leaseUntil: number | null
  system: string | null
  suspect: boolean
  cancelRequested: boolean
  parentId: number | null
  /** What it is blocked on. */
  blockers: number[]
}

interface ModelJob extends Row {
  invocation: string | null
  sequence: number
}

interface Need {
  task: string
  args: Args
  within: number
}

const second = 1_000_000
const maximumPriority = 1_000_000_000

/**
 * The queue's rules, in memory, one step at a time and nothing at once. What the real queue may choose is not copied but
 * judged: `claim` is told what was taken, and says whether it might be.
 */
export class Model {
  now = 0
  readonly jobs = new Map<number, ModelJob>()
  private readonly completions: { task: string; args: Args; at: number }[] = []
  private catalog: Catalog

  constructor(catalog: Catalog) {
    this.catalog = catalog
  }

  /** A job of a task that is deployed may be inserted, and waits until it is due. */
  canInsert(task: string): boolean {
    return task in this.catalog.definitions
  }

  insert(id: number, task: string, args: Args, priority: number, runAt: number): void {
    const later = runAt > this.now
    this.add({ id, task, args: this.complete(task, args), priority, runAt, status: later ? 'scheduled' : 'waiting' })
  }

  /** What waits is cancelled, and fails what waits for it. What runs is asked to stop. What is over stays. */
  cancel(id: number): string {
    const job = this.jobs.get(id)
    if (!job) return 'JM011'
    if (['completed', 'failed', 'expanded'].includes(job.status)) return 'JM012'
    if (job.status === 'running') job.cancelRequested = true
    else if (job.status !== 'cancelled') {
      this.finish(job, 'cancelled')
      this.wakeDependents()
    }
    return job.status
  }

  /** A failed or cancelled job waits again, with all its attempts before it. */
  retry(id: number): string {
    const job = this.jobs.get(id)
    if (!job) return 'JM011'
    if (job.status !== 'failed' && job.status !== 'cancelled') return 'JM012'
    const fresh = { failures: 0, suspect: false, cancelRequested: false, blockedAt: null, runAt: this.now }
    Object.assign(job, fresh, { status: 'waiting' })
    return 'waiting'
  }

  /**
   * What is not over goes by its task as it is now, but for the units of what runs, which each claim takes anew; where any
   * dependency has changed, what is blocked looks again. A deploy of what is deployed does nothing.
   */
  deploy(catalog: Catalog): void {
    if (catalog === this.catalog) return
    const rules = ({ definitions }: Catalog) =>
      JSON.stringify(
        Object.entries(definitions)
          .map(([name, { dependencies = [] }]) => [name, dependencies])
          .filter(([, dependencies]) => dependencies!.length > 0)
          .toSorted(),
      )
    const changed = rules(catalog) !== rules(this.catalog)
    this.catalog = catalog
    for (const job of this.jobs.values()) {
      if (isFinished(job)) continue
      const definition = catalog.definitions[job.task]
      if (definition) {
        job.maxAttempts = definition.maxAttempts
        if (job.status !== 'running') job.units = definition.units
      }
      if (changed && job.status === 'blocked') Object.assign(job, { status: 'waiting', blockers: [] })
    }
  }

  /** One call of an invocation: it hands in what it ran, and takes what comes next. `rows` are what the real one made of it. */
  settleAndClaim(request: ClaimRequest, answer: ClaimAnswer, rows: readonly Row[]): void {
    if (request.completed.length + request.outcomes.length > 0) this.settle(request, answer, rows)
    if (request.held > 0) {
      const asked = this.running((job) => job.invocation === request.invocation && job.cancelRequested)
      same(
        (answer.cancel ?? []).toSorted(byNumber),
        asked.map(({ id }) => id).toSorted(byNumber),
        'who is asked to stop',
      )
    }
    if (request.limit > 0) {
      if (request.sequence === 1 || request.take_back) this.takeBack()
      this.promote()
      if (request.repeat || this.waiting().length > 0) this.claim(request, answer, rows)
      else same(answer.jobs ?? [], [], 'nothing waits, so nothing is taken')
    }
    if ((answer.jobs ?? []).length === 0) this.idle(request, answer)
  }

  /** An outcome counts once, for the attempt that its invocation holds, and is refused for any other. */
  private settle(
    { invocation, completed, outcomes, repeat }: ClaimRequest,
    answer: ClaimAnswer,
    rows: readonly Row[],
  ): void {
    const refused: number[] = []
    const settled: [number, string][] = []
    let completions = 0
    const held = (id: number, attempt: number) => {
      const job = this.jobs.get(id)
      return job?.status === 'running' && job.attempt === attempt && job.invocation === invocation ? job : undefined
    }
    /** The answer to the first try of this call was lost: what it wrote is answered again. */
    const before = (id: number, attempt: number) => {
      const job = this.jobs.get(id)
      return repeat && job?.invocation === invocation && job.attempt === attempt ? job : undefined
    }
    for (const [id, attempt] of completed) {
      const job = held(id, attempt)
      if (job) {
        this.finish(job, 'completed')
        this.completions.push({ task: job.task, args: job.args, at: this.now })
      }
      if (job || before(id, attempt)?.status === 'completed') completions += 1
      else refused.push(id)
    }
    for (const { id, attempt, outcome, retry_ms } of outcomes) {
      const job = held(id, attempt)
      if (job) {
        const counts = outcome !== 'released'
        job.failures += counts ? 1 : 0
        job.suspect &&= !counts
        if (outcome !== 'fatal' && job.cancelRequested) this.finish(job, 'cancelled')
        else if (outcome === 'fatal' || (counts && job.failures >= job.maxAttempts)) this.finish(job, 'failed')
        else if (outcome === 'failed') {
          Object.assign(job, { status: 'scheduled', leaseUntil: null })
          // Chance has a say in it: the real time is taken, where it is within the bounds.
          job.runAt = rows.find((row) => row.id === id)!.runAt
          const [earliest, latest] = this.backOff(job.failures, retry_ms)
          demand(earliest <= job.runAt && job.runAt <= latest, `${show(job)} backs off too long, or too short`)
        } else Object.assign(job, { status: 'waiting', leaseUntil: null })
      }
      const now = job ?? before(id, attempt)
      if (now) settled.push([id, now.status])
      else refused.push(id)
    }
    const dependents = this.wakeDependents()
    same(answer.completed, completions, 'how many completed')
    same(answer.settled?.toSorted(byFirst), settled.toSorted(byFirst), 'what the outcomes made of the jobs')
    same(answer.refused?.toSorted(byNumber), refused.toSorted(byNumber), 'what is refused: it is no longer theirs')
    same(answer.dependents, dependents, 'how many dependents failed')
  }

  /** Five seconds, doubled by each failure, an hour at most; and of that between a half and the whole. */
  private backOff(failures: number, retryMs: number | undefined): [number, number] {
    if (retryMs !== undefined) return [this.now + retryMs * 1_000, this.now + retryMs * 1_000]
    const whole = Math.min(3_600 * second, 5 * second * 2 ** (failures - 1))
    return [this.now + whole / 2, this.now + whole]
  }

  /** A dependent of what failed or was cancelled fails, and its own dependents; one whose last blocker completed waits. */
  private wakeDependents(): number {
    let failed = 0
    for (let again = true; again;) {
      again = false
      for (const job of this.jobs.values()) {
        if (job.status !== 'blocked') continue
        const blockers = job.blockers.map((id) => this.jobs.get(id)!)
        if (blockers.some(({ status }) => status === 'failed' || status === 'cancelled')) {
          this.finish(job, 'failed')
          failed += 1
          again = true
        } else if (blockers.every(isFinished)) Object.assign(job, { status: 'waiting', blockers: [] })
      }
    }
    return failed
  }

  /**
   * An invocation is over with the last of its leases. A job that it held alone counts a failure; of several none does.
   * Each is suspect, and tried alone the next time.
   */
  private takeBack(): void {
    for (const held of Map.groupBy(this.running(), ({ invocation }) => invocation).values()) {
      if (held.some(({ leaseUntil }) => leaseUntil! > this.now)) continue
      for (const job of held) {
        const alone = held.length === 1
        job.failures += alone ? 1 : 0
        Object.assign(job, { suspect: true, runAt: this.now, invocation: null })
        if (job.cancelRequested) this.finish(job, 'cancelled')
        else if (alone && job.failures >= job.maxAttempts) this.finish(job, 'failed')
        else Object.assign(job, { status: 'waiting', leaseUntil: null })
      }
    }
    this.wakeDependents()
  }

  private promote(): void {
    for (const job of this.jobs.values()) {
      if (job.status === 'scheduled' && job.runAt <= this.now) job.status = 'waiting'
    }
  }

  /**
   * A claim takes jobs in order, the higher priority and then the older first, as far as units and limits go. On its way
   * it makes the children of jobs with ALL, and blocks jobs on what is not fresh, which it inserts where it is not there.
   */
  private claim(request: ClaimRequest, answer: ClaimAnswer, rows: readonly Row[]): void {
    const real = new Map(rows.map((row) => [row.id, row]))
    const taken = answer.jobs ?? []
    if (request.repeat) {
      const mine = this.running((job) => job.invocation === request.invocation && job.sequence === request.sequence)
      if (mine.length > 0) {
        same(taken.map(([id]) => id).toSorted(byNumber), mine.map(({ id }) => id).toSorted(byNumber), 'a repeat')
        return
      }
    }
    const start = new Map([...this.jobs].map(([id, job]) => [id, { ...job }]))
    const atStart = this.standing(request)
    const expanded = this.waiting().filter(({ id }) => real.get(id)?.status === 'expanded')
    const added = rows.filter(({ id }) => !this.jobs.has(id))
    for (const parent of expanded) this.expand(parent, added)
    for (const row of added)
      if (row.parentId === null) this.add({ ...row, priority: -maximumPriority, status: 'waiting' })
    const blocked = this.waiting().filter(({ id }) => real.get(id)?.status === 'blocked')
    const problems = taken.filter((job) => job[5] != null).map(([id]) => this.jobs.get(id)!)
    this.justify(added, [...blocked, ...problems])

    for (const job of [...expanded, ...blocked]) {
      demand(this.mayRun(job, request), `${show(job)} was looked at, and may not run`)
      demand(this.fits(job, atStart), `${show(job)} was looked at without room for it`)
    }
    for (const job of blocked) {
      const stale = this.staleNeeds(job)
      demand(stale.length > 0, `${show(job)} was blocked, and all it needs is fresh`)
      job.blockers = [...new Set(stale.map((need) => this.oldestActive(need)?.id ?? 0))].toSorted(byNumber)
      Object.assign(job, { status: 'blocked', blockedAt: job.blockedAt ?? this.now })
    }
    this.raisePriorities()
    for (const job of expanded) this.finish(job, 'expanded')
    for (const [id, name, attempt, , , problem] of taken) {
      const job = this.jobs.get(id)
      demand(job?.status === 'waiting', `#${id} was taken, and did not wait`)
      demand(
        name === `m.${job.task}` && attempt === job.attempt + 1,
        `${show(job)} was handed out as ${name}, ${attempt}`,
      )
      demand(this.mayRun(job, request) && !job.suspect === !answer.alone, `${show(job)} was taken, and may not run`)
      const missing = this.staleNeeds(job).filter((need) => !this.oldestActive(need) && this.fill(need) === null)
      demand(problem == null ? this.staleNeeds(job).length === 0 : missing.length > 0, `${show(job)} was taken stale`)
      Object.assign(job, {
        status: 'running',
        attempt,
        units: this.definitionOf(job).units,
        leaseUntil: this.now + request.lease_ms * 1_000,
        system: request.system,
        invocation: request.invocation,
        sequence: request.sequence,
        blockedAt: null,
      })
    }
    same(answer.expanded, expanded.length, 'how many were expanded')
    same(answer.blocked, blocked.length, 'how many were blocked')
    same(answer.contended, 0, 'nobody else is there')
    demand(taken.length <= request.limit, 'more were taken than asked for')
    const order = taken.map(([id, , , priority]) => ({ id, priority }))
    same(order, order.toSorted(byRank), 'the order in which the taken are handed out')
    this.judge(request, answer, start, atStart, [...expanded, ...blocked])
  }

  /** Whether what was taken is what comes first, and all that could be. */
  private judge(
    request: ClaimRequest,
    answer: ClaimAnswer,
    start: ReadonlyMap<number, ModelJob>,
    atStart: Standing,
    moved: readonly ModelJob[],
  ): void {
    const taken = (answer.jobs ?? []).map(([id]) => this.jobs.get(id)!)
    const suspects = [...taken, ...moved].filter(({ id }) => start.get(id)?.suspect)
    const atEnd = this.standing(request)
    for (const { task } of taken) {
      demand(atEnd.room(task) >= 0 && atEnd.free >= 0, `more ${task} run, or more units are in use, than may be`)
    }
    if (suspects.length > 0) {
      demand(request.held === 0, `${show(suspects[0]!)} was tried while something else was held`)
      demand(taken.length + moved.length === 1, `${show(suspects[0]!)} was not tried alone`)
    }
    /** A claim may go on after the last job that its invocation took, and overlook what has come before that since. */
    const overlooked = (job: Place) =>
      request.after !== null && byRank(job, { priority: -request.after[0], id: request.after[1] }) <= 0
    const stages = this.stages(request, start, atStart, taken, moved)
    for (const job of taken) {
      // It was taken in some round, before which others may have been taken, and itself not.
      const before = stages.filter(({ took }) => !took.includes(job))
      const allowed = before.some(
        ({ heavy }) =>
          !heavy || byRank(job, heavy.job) < 0 || overlooked(heavy.job) || this.endsBefore(job, heavy.freeAt),
      )
      demand(
        job.suspect || allowed,
        `${show(job)} took units that ${show(stages[0]!.heavy?.job ?? job)} has waited for`,
      )
    }
    /** A claim has ten rounds, each of which blocks or expands something but for the last, and one that began in the midst. */
    const busy = moved.length >= (request.after === null ? 10 : 9)
    for (const job of this.waiting()) {
      const before = start.get(job.id) ?? job
      if (!this.mayRun(job, request)) continue
      const kept = stages.some(
        ({ seen, heavy }) =>
          heavy && byRank(heavy.job, seen.get(job.id) ?? job) < 0 && !this.endsBefore(job, heavy.freeAt),
      )
      if (job.suspect) {
        const first = [...taken, ...moved].every((other) => byRank(before, start.get(other.id) ?? other) < 0)
        const its = first && this.fits(job, atStart) && request.held === 0
        demand(!its, `${show(job)} was its turn to be tried alone`)
        continue
      }
      if (kept) continue
      if (taken.length < request.limit && suspects.length === 0 && !busy) {
        demand(!this.fits(job, atEnd), `${show(job)} was left waiting, and there was room for it`)
      }
      if (!start.has(job.id) || overlooked(before)) continue
      const after = taken.filter((other) => byRank(before, other) < 0)
      const units = after.reduce((sum, other) => sum + other.units, 0)
      const places = after.filter(({ task }) => task === job.task).length
      demand(
        after.length === 0 || !this.fits(job, atEnd, units, places),
        `${show(job)} was left waiting behind ${after.map(show).join(', ')}`,
      )
    }
  }

  /**
   * Whom units are kept for, as each round of a claim may have seen it: at the start, and where there may have been several
   * rounds after what the ones before took, blocked, raised and expanded. There are several only where jobs were blocked or
   * expanded, or where the first began after the last job that the invocation took.
   */
  private stages(
    request: ClaimRequest,
    start: ReadonlyMap<number, ModelJob>,
    atStart: Standing,
    taken: readonly ModelJob[],
    moved: readonly ModelJob[],
  ): Stage[] {
    const several = moved.length > 0 || request.after !== null
    const inOrder = taken.toSorted(byRank)
    const yetToBeTaken = taken.map((job) => [job.id, { ...job, status: 'waiting', leaseUntil: null }] as const)
    const later = new Map([...this.jobs, ...yetToBeTaken])
    return (several ? [start, later] : [start]).flatMap((jobs) =>
      Array.from({ length: several ? taken.length + 1 : 1 }, (_, count) => {
        const took = inOrder.slice(0, count)
        const seen = new Map([...jobs, ...took.map((job) => [job.id, job] as const)])
        const heavy = this.starving(request, seen, {
          free: atStart.free - took.reduce((sum, { units }) => sum + units, 0),
          room: (task) => atStart.room(task) - took.filter((other) => other.task === task).length,
        })
        return { seen, took, heavy }
      }),
    )
  }

  /**
   * The first job that has been due for a minute and that wants for units, or wants to be tried alone; and when enough will
   * be free for it by the ends of leases. What stands behind it starts only where it ends before that.
   */
  private starving(request: ClaimRequest, jobs: ReadonlyMap<number, ModelJob>, { free, room }: Standing) {
    const waiting = [...jobs.values()]
      .filter((job) => job.status === 'waiting' && this.mayRun(job, request) && room(job.task) > 0)
      .toSorted(byRank)
    const isLate = ({ runAt }: ModelJob) => runAt <= this.now - 60 * second
    const heavy = waiting.filter(
      (job) =>
        this.definitionOf(job).units > free && isLate(job) && waiting.find(({ task }) => task === job.task) === job,
    )
    const suspect = waiting.filter((job) => this.definitionOf(job).units <= free && job.suspect && isLate(job))
    const [job] = [...heavy, ...suspect].toSorted(byRank)
    if (!job) return undefined
    let units = free
    const leases = [...jobs.values()]
      .filter(({ status, system }) => status === 'running' && system === request.system)
      .toSorted((left, right) => left.leaseUntil! - right.leaseUntil!)
    for (const held of leases) {
      units += held.units
      if (units >= this.definitionOf(job).units) return { job, freeAt: held.leaseUntil! }
    }
    return { job, freeAt: -Infinity }
  }

  private endsBefore(job: ModelJob, moment: number): boolean {
    const { timeoutMs } = this.definitionOf(job)
    return timeoutMs !== undefined && this.now + timeoutMs * 1_000 <= moment
  }

  /** A job with ALL becomes one job for each combination of the options, of the same priority. */
  private expand(parent: ModelJob, added: readonly Row[]): void {
    demand(isAll(parent), `${show(parent)} has no ALL`)
    let made: Args[] = [parent.args]
    for (const [name, values] of Object.entries(this.definitionOf(parent).params)) {
      if (parent.args[name] === 'ALL')
        made = made.flatMap((args) => (values as number[]).map((value) => ({ ...args, [name]: value })))
    }
    const children = added.filter(({ parentId }) => parentId === parent.id)
    same(
      children.map(({ args }) => args),
      made,
      `the children of ${show(parent)}`,
    )
    for (const { id, args } of children) {
      this.add({ ...parent, id, args, runAt: this.now, parentId: parent.id, status: 'waiting' })
    }
  }

  /** A job is inserted for a dependency only where none is there to wait for, with what the dependency gives and defaults. */
  private justify(added: readonly Row[], lookedAt: readonly ModelJob[]): void {
    const needs = lookedAt.flatMap((job) => this.staleNeeds(job))
    for (const row of added) {
      const parent = row.parentId !== null && this.jobs.get(row.parentId)?.status
      const wanted = needs.some(
        (need) =>
          need.task === row.task &&
          this.oldestActive(need)?.id === row.id &&
          isDeepStrictEqual(this.fill(need), row.args),
      )
      demand(parent === 'waiting' || (row.parentId === null && wanted), `${show(row)} came from nowhere`)
    }
  }

  /** What a job needs is above it in the queue, along the whole chain. */
  private raisePriorities(): void {
    for (let again = true; again;) {
      again = false
      for (const { status, priority, blockers } of this.jobs.values()) {
        if (status !== 'blocked') continue
        for (const blocker of blockers.map((id) => this.jobs.get(id))) {
          const atLeast = Math.min(priority + 1, maximumPriority)
          if (!blocker || isFinished(blocker) || blocker.priority >= atLeast) continue
          blocker.priority = atLeast
          again = true
        }
      }
    }
  }

  /**
   * Fresh is what was completed within the window, with arguments that contain those asked for; and what was completed
   * since the job was blocked.
   */
  private staleNeeds(job: ModelJob): Need[] {
    if (isAll(job)) return []
    return this.needsOf(job).filter(
      ({ task, args, within }) =>
        !this.completions.some(
          (done) =>
            done.task === task &&
            contains(done.args, args) &&
            (done.at > this.now - within || (job.blockedAt !== null && done.at >= job.blockedAt)),
        ),
    )
  }

  private needsOf(job: ModelJob): Need[] {
    return (this.definitionOf(job).dependencies ?? []).flatMap(({ on, withinMinutes, args }) => {
      let needed: Args[] = [{}]
      for (const [name, value] of Object.entries(args)) {
        const values =
          value === 'ALL'
            ? (this.catalog.definitions[on]!.params[name] as number[])
            : [value === 'same' ? job.args[name] : value]
        needed = needed.flatMap((given) => values.map((one) => ({ ...given, [name]: one })))
      }
      return needed.map((given) => ({ task: on, args: given, within: withinMinutes * 60 * second }))
    })
  }

  /** The oldest that a dependent can wait for: due and unfinished, or backing off, and without ALL. */
  private oldestActive(need: Need): ModelJob | undefined {
    return [...this.jobs.values()]
      .filter((job) => job.task === need.task && !isFinished(job) && !isAll(job) && contains(job.args, need.args))
      .filter(({ status, attempt }) => status !== 'scheduled' || attempt > 0)
      .toSorted((left, right) => left.id - right.id)[0]
  }

  /** The arguments of a job that meets a need: for what is not given the default, else the first option; null without either. */
  private fill({ task, args }: Need): Args | null {
    const filled = { ...args }
    for (const [name, values] of Object.entries(this.catalog.definitions[task]!.params)) {
      if (name in filled) continue
      if (values === 'text') return null
      filled[name] = typeof values === 'number' ? values : values[0]
    }
    return filled
  }

  /** What an invocation that got nothing is told: what waits, whose it is, and when to come back. */
  private idle(request: ClaimRequest, answer: ClaimAnswer): void {
    const waiting = this.waiting()
    const due = [...this.jobs.values()].filter(({ status }) => status === 'scheduled').map(({ runAt }) => runAt)
    for (const held of Map.groupBy(this.running(), ({ invocation }) => invocation).values()) {
      due.push(Math.max(...held.map(({ leaseUntil }) => leaseUntil!)))
    }
    const wake = due.length > 0 ? Math.max(0, Math.ceil((Math.min(...due) - this.now) / 1_000)) : null
    same(answer.wake_ms, wake, 'when something is due by itself')
    same(answer.remaining, waiting.length, 'how many wait')
    const known = waiting.filter(({ task }) => task in this.catalog.definitions)
    const others = known.filter((job) => !this.isKnown(job, request)).map(({ task }) => `m.${task}`)
    same(answer.skew, [...new Set(others)].toSorted(), 'what is left for other code')
    const mine = known.filter((job) => this.isKnown(job, request))
    const inTime = mine.filter((job) => (this.definitionOf(job).timeoutMs ?? 0) <= request.time_left_ms)
    const stop = mine.length === 0 ? 'empty' : inTime.length === 0 ? 'deadline' : 'capacity'
    same(answer.stop, stop, 'why nothing was taken')
  }

  /** Its task is deployed, as the caller's code has it, and is not too long or too heavy for the caller. */
  private mayRun(job: ModelJob, request: ClaimRequest): boolean {
    if (!this.isKnown(job, request)) return false
    const { units, timeoutMs = 0 } = this.definitionOf(job)
    return units <= request.units && (timeoutMs <= request.time_left_ms || request.started === 0)
  }

  private isKnown({ task }: ModelJob, request: ClaimRequest): boolean {
    const hash = this.catalog.hashes[`m.${task}`]
    return hash !== undefined && request.tasks[`m.${task}`] === hash
  }

  /** Units that are free on the caller's system, and how many more of a task may run. */
  private standing({ system, units }: ClaimRequest): Standing {
    const used = this.running((job) => job.system === system).reduce((sum, job) => sum + job.units, 0)
    const counts = Map.groupBy(this.running(), ({ task }) => task)
    const room = (task: string) => (this.catalog.definitions[task]?.limit ?? Infinity) - (counts.get(task)?.length ?? 0)
    return { free: units - used, room }
  }

  /** Whether it could run too, were so many units and places given back. */
  private fits(job: ModelJob, { free, room }: Standing, units = 0, places = 0): boolean {
    return this.definitionOf(job).units <= free + units && room(job.task) + places >= 1
  }

  private running(which: (job: ModelJob) => boolean = () => true): ModelJob[] {
    return [...this.jobs.values()].filter((job) => job.status === 'running' && which(job))
  }

  private waiting(): ModelJob[] {
    return [...this.jobs.values()].filter(({ status }) => status === 'waiting')
  }

  private definitionOf({ task }: Row): Definition {
    return this.catalog.definitions[task]!
  }

  private complete(task: string, args: Args): Args {
    const defaults = Object.entries(this.catalog.definitions[task]!.params).filter(
      ([, values]) => typeof values === 'number',
    )
    return { ...Object.fromEntries(defaults), ...args }
  }

  private finish(job: ModelJob, status: Row['status']): void {
    Object.assign(job, { status, leaseUntil: null, blockers: [] })
  }

  private add(
    job: Pick<Row, 'id' | 'task' | 'args' | 'priority' | 'runAt' | 'status'> & { parentId?: number | null },
  ): void {
    const { units, maxAttempts } = this.catalog.definitions[job.task]!
    const fresh = { attempt: 0, failures: 0, blockedAt: null, leaseUntil: null, system: null, suspect: false }
    const { id, task, args, priority, runAt, status, parentId = null } = job
    const rest = { cancelRequested: false, blockers: [], invocation: null, sequence: 0, units, maxAttempts }
    this.jobs.set(id, { id, task, args, priority, runAt, status, parentId, ...fresh, ...rest })
  }
}

/** A round of a claim: what it saw, what the rounds before had taken, and whom it kept units for until when. */
interface Stage {
  seen: ReadonlyMap<number, ModelJob>
  took: readonly ModelJob[]
  heavy: { job: ModelJob; freeAt: number } | undefined
}

interface Standing {
  free: number
  room: (task: string) => number
}

function isFinished({ status }: Row): boolean {
  return ['completed', 'failed', 'cancelled', 'expanded'].includes(status)
}

function isAll({ args }: Row): boolean {
  return Object.values(args).includes('ALL')
}

function contains(args: Args, given: Args): boolean {
  return Object.entries(given).every(([name, value]) => args[name] === value)
}

/** Higher priority first, then the older. */
function byRank(left: Place, right: Place): number {
  return right.priority - left.priority || left.id - right.id
}

type Place = Pick<Row, 'priority' | 'id'>

function byNumber(left: number, right: number): number {
  return left - right
}

function byFirst([left]: readonly [number, ...unknown[]], [right]: readonly [number, ...unknown[]]): number {
  return left - right
}

function show({ id, task, status, priority }: Row): string {
  return `#${id} ${task} (${status}, priority ${priority})`
}

function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise)
}

/** Throws where the real queue's answer is not the model's. */
export function same(real: unknown, model: unknown, what: string): void {
  if (!isDeepStrictEqual(real, model)) {
    throw new Error(`${what}: ${JSON.stringify(model)} by the model, ${JSON.stringify(real)} really`)
  }
}
