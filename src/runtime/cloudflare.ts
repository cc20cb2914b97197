import { createApp, type HttpOptions } from '../http/app.ts'
import { wakeUpIn } from '../http/continuation.ts'
import { type PlatformInvocation, withInvocation } from '../http/invocation.ts'
import { runDrain } from '../http/run.ts'
import type { JobsSource } from '../http/source.ts'
import { deadlineWithin, type WakeAt, waking } from './lifetime.ts'

export interface CloudflareOptions extends HttpOptions {
  /**
   * How many subrequests one invocation may make: 50 on Workers Free, 10,000 on Paid. 50 when not given. Over Neon's
   * HTTP driver each statement is one. https://developers.cloudflare.com/workers/platform/limits/#subrequests
   */
  subrequests?: number
  /** How many of them a handler makes: its own statements and fetches. 1 when not given. */
  subrequestsPerJob?: number
  /** Arms a one-off wake-up, as `wakeUpBy` does with a queue. */
  wakeAt?: WakeAt
}

/** What of Cloudflare's execution context is used. */
export interface CloudflareContext {
  waitUntil(promise: Promise<unknown>): void
}

/** A batch of a queue, in as far as it is looked at. */
export interface WakeUpBatch {
  readonly messages: readonly { readonly body: unknown }[]
}

/** What a Worker exports. */
export interface CloudflareWorker {
  fetch(request: Request, env: object, context: CloudflareContext): Promise<Response>
  /** A cron trigger: drains. */
  scheduled(event: unknown, env: object, context: CloudflareContext): Promise<void>
  /** A queue of wake-ups: drains once for the whole batch. Where that fails, the queue delivers the batch again. */
  queue(batch: WakeUpBatch, env: object, context: CloudflareContext): Promise<void>
}

/**
 * A request has no limit of its own while its client waits; what is cut off then has 30 s to end.
 * https://developers.cloudflare.com/workers/platform/limits/#duration
 */
const requestMs = 30_000
/** Cron triggers and queue consumers: https://developers.cloudflare.com/workers/platform/limits/#wall-time-limits-by-invocation-type */
const eventMs = 15 * 60_000
/** https://developers.cloudflare.com/queues/platform/limits/ */
const longestDelaySeconds = 24 * 3_600

/** JobMaster as a Worker: `export default cloudflare((env) => createJobMaster({ … }))`. */
export function cloudflare(jobs: JobsSource, options: CloudflareOptions = {}): CloudflareWorker {
  const { subrequests = 50, subrequestsPerJob = 1, wakeAt, ...http } = options
  const app = createApp(jobs, http)

  function invocation(env: object, context: CloudflareContext, limitMs: number): PlatformInvocation {
    return {
      env,
      deadline: deadlineWithin(limitMs),
      waitUntil: (promise) => context.waitUntil(promise),
      statementBudget: subrequests,
      statementsPerJob: subrequestsPerJob,
      drained: waking(wakeAt, env, http.continueWith !== undefined),
    }
  }

  return {
    fetch: async (request, env, context) =>
      app.fetch(withInvocation(request, invocation(env, context, requestMs)), env),
    scheduled: async (_event, env, context) => {
      await runDrain(jobs, invocation(env, context, eventMs), http)
    },
    queue: async ({ messages }, env, context) => {
      // The messages of a batch are one wake-up: the one with most drains before it.
      const [wakeUp] = messages.map(({ body }) => wakeUpIn(body)).sort((a, b) => (b.depth ?? 0) - (a.depth ?? 0))
      await runDrain(jobs, invocation(env, context, eventMs), http, wakeUp)
    },
  }
}

/** Sends wake-ups to the queue that is bound under this name. For `wakeAt`. */
export function wakeUpBy(binding: string): WakeAt {
  return async (at, env) => {
    const seconds = Math.ceil((at.getTime() - Date.now()) / 1_000)
    // One that is further away wakes up too early, and is sent on.
    const delaySeconds = Math.min(Math.max(0, seconds), longestDelaySeconds)
    await queueOf(env, binding).send({}, { delaySeconds })
  }
}

interface Queue {
  send(message: unknown, options: { delaySeconds: number }): Promise<unknown>
}

function queueOf(env: object, binding: string): Queue {
  const queue: unknown = Reflect.get(env, binding)
  if (typeof queue === 'object' && queue !== null && 'send' in queue && typeof queue.send === 'function') {
    // A producer's binding: it has nothing but ways to send.
    return queue as Queue
  }
  throw new Error(`there is no queue bound as ${binding}: add it to "queues.producers" of wrangler.jsonc`)
}
