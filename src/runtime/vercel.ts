import { createApp, type HttpOptions } from '../http/app.ts'
import { withInvocation } from '../http/invocation.ts'
import type { JobsSource } from '../http/source.ts'
import { deadlineWithin, processEnv, type WakeAt, waking } from './lifetime.ts'

export interface VercelOptions extends HttpOptions {
  /**
   * The function's `maxDuration` in vercel.json, in seconds: code cannot see it. 300 when not given, as with Vercel.
   * On the edge runtime: 25, the time until an answer must begin.
   * https://vercel.com/docs/functions/limitations#max-duration
   */
  maxDuration?: number
  /** Arms a one-off wake-up. */
  wakeAt?: WakeAt
}

type Handler = (request: Request) => Promise<Response>

/** What a function of Vercel exports: as its default, or by method (`export const { GET, POST } = vercel(jobs)`). */
export interface VercelFunction {
  fetch: Handler
  GET: Handler
  POST: Handler
}

/**
 * JobMaster as a function of Vercel. Its cron is a `GET` on the drain with `Authorization: Bearer $CRON_SECRET`; it may
 * come twice, and is not repeated where it fails: https://vercel.com/docs/cron-jobs/manage-cron-jobs
 */
export function vercel(jobs: JobsSource, options: VercelOptions = {}): VercelFunction {
  const { maxDuration = 300, wakeAt, ...http } = options
  const app = createApp(jobs, http)
  const env = processEnv()
  const handle: Handler = async (request) => {
    const invocation = {
      env,
      deadline: deadlineWithin(maxDuration * 1_000),
      waitUntil,
      drained: waking(wakeAt, env, http.continueWith !== undefined),
    }
    return app.fetch(withInvocation(request, invocation), env)
  }
  return { fetch: handle, GET: handle, POST: handle }
}

/** What `waitUntil` of @vercel/functions does: https://vercel.com/docs/functions/functions-api-reference/vercel-functions-package#waituntil */
function waitUntil(promise: Promise<unknown>): void {
  requestContext()?.waitUntil?.(promise)
}

interface RequestContext {
  waitUntil?(promise: Promise<unknown>): void
}

function requestContext(): RequestContext | undefined {
  // Vercel's own, kept under this symbol by its runtimes; elsewhere there is none.
  const holder = Reflect.get(globalThis, Symbol.for('@vercel/request-context')) as
    { get?(): RequestContext | undefined } | undefined
  return holder?.get?.()
}
