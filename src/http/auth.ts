import type { Context, MiddlewareHandler } from 'hono'
import { invocationOf } from './invocation.ts'
import { Problem } from './problem.ts'
import { isSame, isSigned, verified } from './signature.ts'
import { type JobsSource, withJobs } from './source.ts'

/**
 * Who may come in, when it is not by the secrets of the environment: the application's own middleware, for every route
 * but `/health`; or `'none'`, everybody, which works only over the loopback interface, with the Node adapter.
 */
export type Auth = 'none' | MiddlewareHandler

export const secrets = {
  /** Opens the drain, and nothing else: `Authorization: Bearer …`, as Vercel's cron sends it. */
  cron: 'CRON_SECRET',
  /** Opens every other route, in the same way. */
  all: 'JOBMASTER_SECRET',
  /** Signs requests to the drain. */
  signing: 'JOBMASTER_SIGNING_SECRET',
} as const

/** Lets through who has the secret. */
export function authorized(auth: Auth | undefined, secret: string = secrets.all): MiddlewareHandler {
  return async (c, next) => {
    if (typeof auth === 'function') return auth(c, next)
    if (auth === 'none') checkLoopback(c)
    else await checkBearer(c, secret)
    await next()
  }
}

/** The same for the drain, which a signature opens too: once, and within five minutes of the time that it carries. */
export function authorizedDrain(auth: Auth | undefined, jobs: JobsSource): MiddlewareHandler {
  const bySecret = authorized(auth, secrets.cron)
  return async (c, next) => {
    const { env } = invocationOf(c)
    const secret = secretIn(env, secrets.signing)
    if (secret === undefined || !isSigned(c.req.raw.headers)) return bySecret(c, next)
    const right = await verified(secret, c.req.raw.headers, await c.req.text())
    if (!right) throw unauthorized()
    const answer = await withJobs(jobs, env, (jobs) => jobs.recordSignature(right.signature, right.signedAt))
    if (answer !== 'recorded') throw unauthorized()
    await next()
  }
}

async function checkBearer(c: Context, variable: string): Promise<void> {
  const secret = secretIn(invocationOf(c).env, variable)
  if (secret === undefined) {
    throw new Problem(503, { detail: `this route is closed until ${variable} is set in the function's environment` })
  }
  const [, given] = /^Bearer +(.*)$/i.exec(c.req.header('authorization') ?? '') ?? []
  if (given === undefined || !(await isSame(given, secret))) throw unauthorized()
}

export function checkLoopback(c: Context): void {
  if (invocationOf(c).loopback) return
  throw new Problem(503, {
    detail: "auth: 'none' is for the loopback interface with the Node adapter: give a secret, or a middleware, as auth",
  })
}

/** The same whatever was wrong: it would tell who guesses. */
function unauthorized(): Problem {
  return new Problem(401, {
    detail: 'send the secret of this route as "Authorization: Bearer …"',
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/**
 * A secret of the environment; undefined where there is none.
 * @throws Problem when it could not be sent in a header, or used: the route stays closed, and says which variable it is.
 */
export function secretIn(env: object, variable: string): string | undefined {
  const value: unknown = Reflect.get(env, variable)
  if (typeof value !== 'string' || value === '') return undefined
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new Problem(503, { detail: `${variable} must be printable ASCII characters, without spaces: choose another` })
  }
  if (variable === secrets.signing && /^whsec_(?![A-Za-z0-9+/]+={0,2}$)/.test(value)) {
    throw new Problem(503, { detail: `${variable}: what follows whsec_ must be base64: choose another` })
  }
  return value
}
