import type { JobMaster } from '../jobmaster.ts'
import type { Report } from '../report.ts'
import { secretIn, secrets } from './auth.ts'
import { signatureHeaders } from './signature.ts'

/** What one drain tells the next. */
export interface WakeUp {
  /** How many drains were before it, one after the other. */
  depth: number
  /** How many drains may come of it at once, itself counted: it shares them out among those that it starts. */
  share: number
}

interface Limits {
  /** How many drains may follow one another. 50 when not given. */
  maxDepth?: number
  /** How many may run at once, where the backlog asks for them and there are units for them. 4 when not given. */
  atOnce?: number
}

/** How a drain that had to go with work left goes on. */
export type ContinueWith =
  | (Limits & {
      /**
       * The address of the drain route, by a signed request: from the configuration, never from a request. A function
       * reads it from the environment; where it returns nothing, drains do not go on.
       */
      url: string | ((env: object) => string | undefined)
      /** `fetch` when not given. A Cloudflare service binding: `(request, env) => env.SELF.fetch(request)`. */
      fetch?: (request: Request, env: object) => Promise<Response>
    })
  | (Limits & {
      /** By the platform's own means: an async Lambda invoke, a message of a queue. What arrives goes to `wakeUpIn`. */
      send: (wakeUp: WakeUp, env: object) => Promise<unknown>
    })

const defaults = { maxDepth: 50, atOnce: 4 }

/** What a message, or the body of a request, says of the drains before. Another's message counts as the first of all. */
export function wakeUpIn(message: unknown): Partial<WakeUp> {
  if (typeof message !== 'object' || message === null) return {}
  const depth: unknown = 'depth' in message ? message.depth : undefined
  const share: unknown = 'share' in message ? message.share : undefined
  return {
    ...(isWhole(depth, 0) && { depth }),
    ...(isWhole(share, 1) && { share }),
  }
}

function isWhole(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least
}

/** How many statements `goOn` may send, and requests: they count against what the platform lets an invocation send. */
export function statementsToGoOn(continueWith: ContinueWith | undefined, before: Partial<WakeUp>): number {
  if (!continueWith) return 0
  const share = shareOf(continueWith, before)
  return share > 1 ? share + 1 : 1
}

interface Ended {
  jobs: JobMaster
  report: Report
  concurrency: number
  env: object
}

/**
 * Starts the drains that follow on this one, if it had to go with work left. How many they are is known when this
 * resolves, and the instance is not needed any more; that they have been started is known when `started` does.
 */
export async function goOn(
  continueWith: ContinueWith,
  before: Partial<WakeUp>,
  ended: Ended,
): Promise<{ started: Promise<unknown> } | undefined> {
  const { report, env } = ended
  const depth = before.depth ?? 0
  const hadToGo = report.stopReason === 'deadline' || report.stopReason === 'budget'
  if (!hadToGo || report.remaining === 0 || depth >= (continueWith.maxDepth ?? defaults.maxDepth)) return undefined
  const share = shareOf(continueWith, before)
  const count = await howMany(share, ended)
  const wakeUps = Array.from({ length: count }, (_, index) => ({
    depth: depth + 1,
    share: Math.floor(share / count) + (index < share % count ? 1 : 0),
  }))
  return { started: Promise.all(wakeUps.map((wakeUp) => wake(continueWith, wakeUp, env))) }
}

/** A drain that is not the first has what the one before gave it, and no more than is configured. */
function shareOf(continueWith: ContinueWith, { depth = 0, share }: Partial<WakeUp>): number {
  const atOnce = continueWith.atOnce ?? defaults.atOnce
  return Math.max(1, Math.min(share ?? (depth === 0 ? atOnce : 1), atOnce))
}

/** As many as would finish what is left in the time that this one had; never more than there are units for. */
async function howMany(share: number, { jobs, report, concurrency }: Ended): Promise<number> {
  const { completed, failed, retried, expanded } = report
  const each = Math.max(concurrency, completed + failed + retried + expanded)
  const wanted = Math.min(share, Math.ceil(report.remaining / each))
  if (wanted <= 1) return 1
  return Math.min(wanted, Math.ceil((await jobs.room(wanted * concurrency)) / concurrency))
}

async function wake(continueWith: ContinueWith, wakeUp: WakeUp, env: object): Promise<void> {
  if ('send' in continueWith) {
    await continueWith.send(wakeUp, env)
    return
  }
  const url = typeof continueWith.url === 'function' ? continueWith.url(env) : continueWith.url
  if (url === undefined) return
  const address = URL.canParse(url) ? new URL(url) : undefined
  // The errors of Request and fetch would show it.
  if (!address || address.username || address.password) {
    throw new Error('continueWith: url must be the whole address of the drain route, without a user or password')
  }
  const secret = secretIn(env, secrets.signing)
  if (secret === undefined) throw new Error(`continueWith: set ${secrets.signing}, the key that signs its requests`)
  // Answered at once: who goes on must not keep alive who had to go.
  const body = JSON.stringify({ ...wakeUp, background: true })
  const headers = { 'content-type': 'application/json', ...(await signatureHeaders(secret, body)) }
  // Not where an answer points to: the signature is for this address.
  const request = new Request(url, { method: 'POST', headers, body, redirect: 'manual' })
  const response = await (continueWith.fetch ?? fetch)(request, env)
  await response.body?.cancel()
  if (!response.ok) throw new Error(`continueWith: ${address.origin} answered ${response.status} to a signed drain`)
}
