import { createApp, type HttpOptions } from '../http/app.ts'
import { type PlatformInvocation, withInvocation } from '../http/invocation.ts'
import { runDrain } from '../http/run.ts'
import type { JobsSource } from '../http/source.ts'
import { deadlineWithin, processEnv, type WakeAt, waking } from './lifetime.ts'

export interface NetlifyOptions extends HttpOptions {
  /** Arms a one-off wake-up. */
  wakeAt?: WakeAt
}

/** What of Netlify's context is used. */
export interface NetlifyContext {
  waitUntil?(promise: Promise<unknown>): void
}

type Handler = (request: Request, context?: NetlifyContext) => Promise<Response>

/** A function each: every one is exported as the default of a file of its own. */
export interface NetlifyFunctions {
  /** All routes. */
  http: Handler
  /** A scheduled function: drains. Netlify lets nobody else call it. */
  scheduled: Handler
  /** A background function: drains. Anybody can call it, so it asks for the drain's secret. */
  background: Handler
}

/** https://docs.netlify.com/build/functions/configuration/#default-values */
const limitsMs = { http: 60_000, scheduled: 30_000, background: 15 * 60_000 }

/** JobMaster as functions of Netlify. */
export function netlify(jobs: JobsSource, options: NetlifyOptions = {}): NetlifyFunctions {
  const { wakeAt, ...http } = options
  const app = createApp(jobs, http)
  const env = processEnv()

  function invocation(kind: keyof typeof limitsMs, context: NetlifyContext | undefined): PlatformInvocation {
    return {
      env,
      deadline: deadlineWithin(limitsMs[kind]),
      waitUntil: (promise) => context?.waitUntil?.(promise),
      drained: waking(wakeAt, env, http.continueWith !== undefined),
    }
  }

  return {
    http: async (request, context) => app.fetch(withInvocation(request, invocation('http', context)), env),
    scheduled: async (_request, context) => Response.json(await runDrain(jobs, invocation('scheduled', context), http)),
    background: async (request, context) => {
      const url = new URL(`${http.basePath ?? ''}/drain`, request.url)
      url.search = new URL(request.url).search
      // The caller has had its 202 long since: https://docs.netlify.com/build/functions/background-functions/
      return app.fetch(withInvocation(new Request(url, request), invocation('background', context)), env)
    },
  }
}
