import { NonRetriable, RetryAfter } from './errors.ts'
import type { JobError } from './job.ts'
import { jsonProblem, storable } from './json.ts'
import type { ClaimedJob } from './queue.ts'
import type { Context, Json } from './task.ts'
import type { NamedTask } from './tasks.ts'

/** What became of an attempt. `sql/settle.sql` says what each does to the job. */
export type Ending =
  | { outcome: 'completed'; result?: Json; length?: number }
  | { outcome: 'failed' | 'fatal' | 'interrupted'; error: JobError; retryMs?: number }

/** A result or an error is at most this long, in UTF-16 units of its JSON: it is stored with the job. */
const maximumResult = 1_048_576
const maximumMessage = 2_000
const maximumStack = 4_000
/** A year: what is later than Postgres' times would make the settle of the whole batch fail. */
const maximumRetryMs = 31_536_000_000

/**
 * Runs one job to its ending. Never throws, and knows nothing of the database. A handler that answers at once is not
 * awaited: nothing is put off for it.
 */
export function execute(task: NamedTask, job: ClaimedJob, context: Context): Ending | Promise<Ending> {
  const [, , , , args, problem] = job
  if (problem != null) return fatal('DependencyFailed', problem)
  try {
    const parsed = task.parse(args)
    if (!parsed.ok) return fatal('InvalidArguments', parsed.problem)
    const returned: unknown = task.definition.run(parsed.args, context)
    if (isPromiseLike(returned)) {
      return Promise.resolve(returned).then(
        (value) => completed(task, value),
        (error: unknown) => thrown(error, context.signal),
      )
    }
    return completed(task, returned)
  } catch (error) {
    return thrown(error, context.signal)
  }
}

function completed(task: NamedTask, value: unknown): Ending {
  if (value === undefined) return { outcome: 'completed' }
  try {
    const problem = jsonProblem(value, 'result')
    if (problem) return fatal('InvalidResult', `${task.name}: ${problem}`)
    const text = JSON.stringify(value)
    if (text.length > maximumResult) {
      return fatal(
        'InvalidResult',
        `${task.name}: the result is ${text.length} characters of JSON, and at most ${maximumResult} are kept; store it elsewhere and return where`,
      )
    }
    // As it is now: it is sent with others later, when a getter may throw, or the handler's module have changed it.
    // jsonProblem found nothing that JSON cannot say.
    const result = typeof value === 'object' ? (JSON.parse(text) as Json) : (value as Json)
    return { outcome: 'completed', result, length: text.length }
  } catch (error) {
    return fatal('InvalidResult', `${task.name}: the result throws when it is read: ${errorOf(error).message}`)
  }
}

/** A message may hold names that a job's arguments or result gave. */
function fatal(name: string, message: string): Ending {
  return { outcome: 'fatal', error: { name, message: storable(message, maximumMessage) } }
}

function thrown(error: unknown, signal: AbortSignal): Ending {
  const kept = errorOf(error)
  try {
    if (error instanceof NonRetriable) return { outcome: 'fatal', error: kept }
    if (error instanceof RetryAfter && !Number.isNaN(error.milliseconds)) {
      const retryMs = Math.min(Math.max(0, error.milliseconds), maximumRetryMs)
      return { outcome: 'failed', error: kept, retryMs }
    }
  } catch {
    // A Proxy, or a getter, that throws when it is looked at: an error like any other.
  }
  return { outcome: signal.reason instanceof DeadlineReached ? 'interrupted' : 'failed', error: kept }
}

/** Why an invocation's signal fires: its deadline has come, or its caller aborted it. */
export class DeadlineReached extends Error {
  override readonly name = 'DeadlineReached'
}

/** Message, name and stack of whatever was thrown, cut to what is kept. */
function errorOf(error: unknown): JobError {
  try {
    if (!(error instanceof Error)) return { name: 'Error', message: storable(String(error), maximumMessage) }
    const kept: JobError = {
      name: storable(String(error.name), 200),
      message: storable(String(error.message), maximumMessage),
    }
    // A query builder's error says which query, and its cause why.
    const cause = error.cause instanceof Error ? `\nCaused by: ${error.cause.message}` : ''
    if (error.stack) kept.stack = storable(`${error.stack}${cause}`, maximumStack)
    return kept
  } catch {
    // An error whose getters throw, or an object without a string form.
    return { name: 'Error', message: 'the handler threw something that cannot be shown' }
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
