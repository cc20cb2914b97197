import { createApp, type HttpOptions } from '../http/app.ts'
import { type PlatformInvocation, withInvocation } from '../http/invocation.ts'
import { runDrain } from '../http/run.ts'
import type { JobsSource } from '../http/source.ts'
import { deadlineWithin, type WakeAt, waking } from './lifetime.ts'

export interface DenoOptions extends HttpOptions {
  /**
   * How long an invocation may live, in milliseconds. 150,000 when not given: the least that Supabase lets a function
   * live, and how long it waits for an answer (https://supabase.com/docs/guides/functions/limits). Deno Deploy names no limit.
   */
  limitMs?: number
  /** Drains by `Deno.cron`: `'* * * * *'` is each minute. Deno Deploy looks for it where the module is evaluated. */
  cron?: string
  /** Arms a one-off wake-up. */
  wakeAt?: WakeAt
}

/** What a module of `deno serve` exports as its default; elsewhere `Deno.serve(app.fetch)` takes it. */
export interface DenoFunction {
  fetch(request: Request): Promise<Response>
}

/** JobMaster on Deno, Deno Deploy or Supabase's edge functions. */
export function deno(jobs: JobsSource, options: DenoOptions = {}): DenoFunction {
  const { limitMs = 150_000, cron, wakeAt, ...http } = options
  const app = createApp(jobs, http)

  function invocation(): PlatformInvocation {
    const env = denoEnv()
    return {
      env,
      deadline: deadlineWithin(limitMs),
      waitUntil,
      drained: waking(wakeAt, env, http.continueWith !== undefined),
    }
  }

  if (cron !== undefined) schedule(cron, () => runDrain(jobs, invocation(), http))
  return { fetch: async (request) => app.fetch(withInvocation(request, invocation())) }
}

interface DenoGlobals {
  // Typed here: Deno's own types would come with all of Deno.
  Deno?: {
    env: { toObject(): Record<string, string> }
    cron?(name: string, schedule: string, handler: () => Promise<unknown>): Promise<void>
  }
  /** Supabase's: https://supabase.com/docs/guides/functions/background-tasks */
  EdgeRuntime?: { waitUntil?(promise: Promise<unknown>): void }
}

function schedule(cron: string, drain: () => Promise<unknown>): void {
  const { Deno } = globalThis as DenoGlobals
  if (!Deno?.cron) throw new Error('there is no Deno.cron here: add "unstable": ["cron"] to deno.json')
  void Deno.cron('drain', cron, drain)
}

function denoEnv(): object {
  return (globalThis as DenoGlobals).Deno?.env.toObject() ?? {}
}

/** Where there is no such function, the process lives on by itself. */
function waitUntil(promise: Promise<unknown>): void {
  const { EdgeRuntime } = globalThis as DenoGlobals
  if (typeof EdgeRuntime === 'object') EdgeRuntime.waitUntil?.(promise)
}
