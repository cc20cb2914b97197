import type { Context } from 'hono'
import type { Report } from '../report.ts'

/** What the app must know of the platform that runs it, for one request or event. */
export interface PlatformInvocation {
  /** The platform's environment: where secrets are looked up, and what a factory of instances is called with. */
  env: object
  /** The latest deadline a drain may have: the platform's own limit, less what settling and answering take. */
  deadline: Date
  /** Keeps the invocation alive until the promise has settled, after the answer has gone. */
  waitUntil(promise: Promise<unknown>): void
  /** How many statements the invocation may send, where the platform counts them. */
  statementBudget?: number
  /** How many of them each job's handler sends. 0 when not given. */
  statementsPerJob?: number
  /** Fires when the platform wants its invocation back before the deadline. */
  signal?: AbortSignal
  /** Told after each drain, so that the adapter can arm a wake-up. */
  drained?(report: Report): Promise<void> | void
  /** The request came over the loopback interface. Only the Node adapter can know that. */
  loopback?: boolean
}

/** Where no adapter says how long the platform lets an invocation live: less than all of them do. */
const unknownLimitMs = 25_000

/** By request, so that it finds the app wherever an application has mounted it. */
const invocations = new WeakMap<Request, PlatformInvocation>()

/** Tells the app, for this request, what an adapter knows of its platform. Returns the request. */
export function withInvocation(request: Request, invocation: PlatformInvocation): Request {
  invocations.set(request, invocation)
  return request
}

/**
 * What an adapter said of this request; without one, what can be assumed anywhere. It is the same for as long as the
 * request lasts, though a middleware may replace the request itself, as Hono's body limit does: so the first asks early.
 */
export function invocationOf(c: Context): PlatformInvocation {
  const known: unknown = c.get(remembered)
  // Set here alone.
  if (known !== undefined) return known as PlatformInvocation
  const invocation = invocations.get(c.req.raw) ?? {
    env: { ...processEnv(), ...(isObject(c.env) && c.env) },
    deadline: new Date(Date.now() + unknownLimitMs),
    waitUntil: (promise) => executionContext(c)?.waitUntil(promise),
  }
  c.set(remembered, invocation)
  return invocation
}

const remembered = 'jobmaster.invocation'

function executionContext(c: Context) {
  try {
    return c.executionCtx
  } catch {
    // Hono throws where the platform has none: there the process lives on by itself.
    return undefined
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Where there is a process; on edge the platform's env is given. */
function processEnv(): object {
  const { process } = globalThis as { process?: { env?: object } }
  return process?.env ?? {}
}
