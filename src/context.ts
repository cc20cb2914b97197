import { JobMasterError } from './errors.ts'
import { Notes } from './notes.ts'
import type { ClaimedJob, MetDependency, Note } from './queue.ts'
import type { SQLWrapper } from 'drizzle-orm'
import type { Context, Task } from './task.ts'

/** The parts of a handler's context that last as long as the invocation. */
export interface InvocationContext extends Pick<Context, 'db' | 'env' | 'insert' | 'insertQuery' | 'deadline'> {
  commit(job: ClaimedJob, queries: readonly SQLWrapper[]): Promise<void>
  /** Fires when the invocation has to end. */
  stopping: AbortSignal
  nameOf: (task: object) => string | undefined
  keep: (promise: Promise<unknown>) => void
  now: () => number
  /** A handler has said something that waits to be kept. */
  noted: () => void
  /** What it logs goes here too. */
  logged: (job: Context['job'], message: string, fields: Readonly<Record<string, unknown>> | undefined) => void
}

/**
 * What a handler is given beside its arguments. One is made for each job, and most handlers ask for little of it: what it
 * has is made when it is asked for, and may be taken out of it.
 */
export class JobContext implements Context {
  readonly #invocation: InvocationContext
  readonly #job: ClaimedJob
  readonly #met: readonly MetDependency[]
  #deadline: Date | undefined
  #controller: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #notes: Notes | undefined
  #ended = false
  #stop: (() => void) | undefined

  constructor(invocation: InvocationContext, job: ClaimedJob, met: readonly MetDependency[], timeoutMs?: number) {
    this.#invocation = invocation
    this.#job = job
    this.#met = met
    if (timeoutMs !== undefined) {
      this.#deadline = new Date(Math.min(invocation.deadline.getTime(), invocation.now() + timeoutMs))
      const [id, task] = job
      const error = new JobTimeout(`${task} #${id} ran longer than its ${timeoutMs} ms`)
      this.#timer = setTimeout(() => this.#abort(error), timeoutMs)
    }
  }

  get job(): Context['job'] {
    const [id, task, attempt, priority] = this.#job
    return { id, task, attempt, priority }
  }

  get deadline(): Date {
    return this.#deadline ?? this.#invocation.deadline
  }

  get db(): Context['db'] {
    return this.#invocation.db
  }

  get env(): Context['env'] {
    return this.#invocation.env
  }

  get insert(): Context['insert'] {
    return this.#invocation.insert
  }

  get insertQuery(): Context['insertQuery'] {
    return this.#invocation.insertQuery
  }

  get commit(): Context['commit'] {
    return (...queries) => this.#invocation.commit(this.#job, queries)
  }

  /** Fires at the invocation's deadline, at the job's timeout, or when the job is cancelled. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController()
      const { stopping } = this.#invocation
      this.#controller = controller
      this.#stop = () => controller.abort(stopping.reason)
      if (stopping.aborted) this.#stop()
      else stopping.addEventListener('abort', this.#stop, { once: true })
    }
    return this.#controller.signal
  }

  get waitUntil(): Context['waitUntil'] {
    return (promise) => this.#invocation.keep(promise)
  }

  get progress(): Context['progress'] {
    return (value, message) => {
      this.#notebook().tell(value, message)
      if (!this.#ended) this.#invocation.noted()
    }
  }

  get log(): Context['log'] {
    return (message, fields) => {
      this.#notebook().log(message, fields)
      if (!this.#ended) this.#invocation.noted()
      this.#invocation.logged(this.job, message, fields)
    }
  }

  get dependencies(): Context['dependencies'] {
    return {
      of: <T extends Task | string>(task: T) => {
        const name = typeof task === 'string' ? task : this.#invocation.nameOf(task)
        // The types of arguments and result are those of the task with that name, as the catalog says.
        return this.#met
          .filter(([target]) => target === name)
          .map(([, id, args, result]) => ({ id, args, result })) as ReturnType<Context['dependencies']['of']>
      },
    }
  }

  /** How long what waits to be kept is, in UTF-16 units. */
  get noteLength(): number {
    return this.#notes?.length ?? 0
  }

  /** What the handler has said since this was last asked. */
  takeNote(): Note | null {
    return this.#notes?.take() ?? null
  }

  /** Somebody has asked for the job to be stopped. */
  cancel(): void {
    this.#abort(new JobMasterError('JM012', `${this.#job[1]} #${this.#job[0]} was cancelled`))
  }

  /** The handler has ended, or is left to itself: nothing here holds on to it. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    if (this.#stop) this.#invocation.stopping.removeEventListener('abort', this.#stop)
  }

  /** What is said once the handler has ended is not kept. */
  #notebook(): Notes {
    return this.#ended || !this.#notes ? (this.#notes = new Notes(this.#job, this.#invocation.now)) : this.#notes
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
