import type { JobMaster } from '../jobmaster.ts'
import type { RunOptions } from '../run-options.ts'
import type { Report } from '../report.ts'
import { type ContinueWith, goOn, statementsToGoOn, type WakeUp } from './continuation.ts'
import type { PlatformInvocation } from './invocation.ts'
import { type JobsSource, withJobs } from './source.ts'

/** What no request may exceed. */
export interface DrainLimits {
  /** How long a drain may take, in milliseconds; as long as the platform lets it when not given. */
  budgetMs?: number
  /** How many handlers may run at once. 100 when not given; a request that does not say gets 10. */
  concurrency?: number
  /** How many statements a drain may send; as many as the platform lets it when not given. At least 2. */
  statementBudget?: number
}

export interface RunDrainOptions {
  drain?: DrainLimits
  /** How a drain goes on that had to go with work left. It does not when not given. */
  continueWith?: ContinueWith
  /** Told of what went wrong where no answer says it. `console.error` when not given. */
  onError?: (error: unknown) => void
}

/** What a request asks for, or a message: as much of it as the limits let. */
export interface DrainRequest extends Partial<WakeUp> {
  /** Seconds. */
  budget?: number
  concurrency?: number
  /** Statements that the invocation has sent already. */
  spent?: number
  onJob?: RunOptions['onJob']
}

/** How long the start of what follows may keep the answer: it is a request that is answered at once. */
const patienceMs = 1_000

/**
 * One drain of one invocation, whatever started it: a request, a cron trigger, a message. It ends in time, tells the
 * adapter (`drained`), and goes on in other invocations where that is configured.
 */
export async function runDrain(
  source: JobsSource,
  invocation: PlatformInvocation,
  { drain = {}, continueWith, onError = logged }: RunDrainOptions,
  { budget = Infinity, concurrency = 10, spent = 0, onJob, ...before }: DrainRequest = {},
): Promise<Report> {
  const latest = Math.min(Date.now() + Math.min(budget * 1_000, drain.budgetMs ?? Infinity), +invocation.deadline)
  const most = Math.min(concurrency, drain.concurrency ?? 100)
  const statements = Math.min(
    (invocation.statementBudget ?? Infinity) - spent - statementsToGoOn(continueWith, before),
    drain.statementBudget ?? Infinity,
  )
  const { env, statementsPerJob, signal } = invocation
  return withJobs(source, env, async (jobs: JobMaster) => {
    const report = await jobs.runUntilEmpty(new Date(latest), {
      concurrency: most,
      ...(statements !== Infinity && { statementBudget: Math.max(2, statements) }),
      ...(statementsPerJob !== undefined && { statementsPerJob }),
      ...(signal && { signal }),
      ...(onJob && { onJob }),
    })
    const followers =
      continueWith && goOn(continueWith, before, { jobs, report, concurrency: most, env }).catch(onError)
    const steps = [invocation.drained?.(report), (await followers)?.started]
    const after = Promise.all(steps.map((step) => Promise.resolve(step).catch(onError)))
    invocation.waitUntil(after)
    // Some platforms stop once the answer is out, and some have no waitUntil.
    await within(patienceMs, after)
    return report
  })
}

/** Where nobody gets an answer: the platform's log. */
export function logged(error: unknown): void {
  console.error(error)
}

async function within(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
