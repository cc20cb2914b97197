import { JobMasterError } from './errors.ts'
import { Notes } from './notes.ts'
import type { ClaimedJob, MetDependency, Note } from './queue.ts'
import type { SQLWrapper } from 'drizzle-orm'
import type { Context, Task } from './task.ts'

/** The parts of a handler's context that last as long as the invocation. */
export interface InvocationContext extends Pick<Context, 'db' | 'env' | 'insert' | 'insertQuery'> {
  commit(job: ClaimedJob, queries: readonly SQLWrapper[]): Promise<void>
}

interface Parts {
  job: ClaimedJob
  deadline: Date
  timeoutMs: number | undefined
  /** Fires when the invocation has to end. */
  stopping: AbortSignal
  met: readonly MetDependency[]
  nameOf: (task: object) => string | undefined
  keep: (promise: Promise<unknown>) => void
  now: () => number
  /** The handler has said something that waits to be kept. */
  noted: () => void
  /** What it logs goes here too. */
  logged: (job: Context['job'], message: string, fields: Readonly<Record<string, unknown>> | undefined) => void
}

/** What a handler is given beside its arguments. Made for each job, so what few handlers ask for is made when they do. */
export class JobContext implements Context {
  readonly job: Context['job']
  readonly deadline: Date
  readonly db: Context['db']
  readonly env: Context['env']
  readonly insert: Context['insert']
  readonly insertQuery: Context['insertQuery']
  readonly commit: Context['commit']
  readonly #parts: Parts
  #controller: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #notes: Notes | undefined
  #ended = false
  readonly #stop = () => this.#controller?.abort(this.#parts.stopping.reason)

  constructor(invocation: InvocationContext, parts: Parts) {
    const [id, task, attempt, priority] = parts.job
    this.job = { id, task, attempt, priority }
    this.deadline = parts.deadline
    this.db = invocation.db
    this.env = invocation.env
    this.insert = invocation.insert
    this.insertQuery = invocation.insertQuery
    this.commit = (...queries) => invocation.commit(parts.job, queries)
    this.#parts = parts
    if (parts.timeoutMs !== undefined) {
      const error = new JobTimeout(`${task} #${id} ran longer than its ${parts.timeoutMs} ms`)
      this.#timer = setTimeout(() => this.#abort(error), parts.timeoutMs)
    }
  }

  /** Fires at the invocation's deadline, at the job's timeout, or when the job is cancelled. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      const { stopping } = this.#parts
      if (stopping.aborted) this.#stop()
      else stopping.addEventListener('abort', this.#stop, { once: true })
    }
    return this.#controller.signal
  }

  readonly waitUntil = (promise: Promise<unknown>): void => this.#parts.keep(promise)

  readonly progress = (value: number, message?: string): void => {
    this.#notebook().tell(value, message)
    if (!this.#ended) this.#parts.noted()
  }

  readonly log = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
    this.#notebook().log(message, fields)
    if (!this.#ended) this.#parts.noted()
    this.#parts.logged(this.job, message, fields)
  }

  /** How long what waits to be kept is, in UTF-16 units. */
  get noteLength(): number {
    return this.#notes?.length ?? 0
  }

  /** What the handler has said since this was last asked. */
  takeNote(): Note | null {
    return this.#notes?.take() ?? null
  }

  readonly dependencies: Context['dependencies'] = {
    of: <T extends Task | string>(task: T) => {
      const name = typeof task === 'string' ? task : this.#parts.nameOf(task)
      // The types of arguments and result are those of the task with that name, as the catalog says.
      return this.#parts.met
        .filter(([target]) => target === name)
        .map(([, id, args, result]) => ({ id, args, result })) as ReturnType<Context['dependencies']['of']>
    },
  }

  /** Somebody has asked for the job to be stopped. */
  cancel(): void {
    this.#abort(new JobMasterError('JM012', `${this.job.task} #${this.job.id} was cancelled`))
  }

  /** The handler has ended, or is left to itself: nothing here holds on to it. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    this.#parts.stopping.removeEventListener('abort', this.#stop)
  }

  /** What is said once the handler has ended is not kept. */
  #notebook(): Notes {
    return this.#ended || !this.#notes ? (this.#notes = new Notes(this.#parts.job, this.#parts.now)) : this.#notes
  }

  #abort(reason: Error): void {
    void this.signal
    this.#controller?.abort(reason)
  }
}

/** Why a handler's signal fired when its job's `timeoutMs` were up. */
class JobTimeout extends Error {
  override readonly name = 'TimeoutError'
}
