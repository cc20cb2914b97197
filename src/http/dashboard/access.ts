import type { Context, MiddlewareHandler } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { basePath } from 'hono/route'
import { type Auth, checkLoopback, secretIn, secrets } from '../auth.ts'
import { invocationOf } from '../invocation.ts'
import { Problem } from '../problem.ts'
import { isSame } from '../signature.ts'
import { formToken, isSession, lifetimeSeconds, newSession } from './session.ts'

/** What every page is made with. */
export interface Access {
  /** Where the dashboard is mounted, without a slash at its end. */
  base: string
  /** For the forms of the page; empty for one who is not let in. */
  token: string
  /** Whether one can sign out: not where the application's own middleware lets people in. */
  signedIn: boolean
}

declare module 'hono' {
  interface ContextVariableMap {
    access: Access
  }
}

const cookieName = 'jobmaster_session'

/**
 * Lets in as the API does, but for a cookie in place of the header: who has none is shown the way to the form.
 * What changes something must carry the token of a page that was made for the same cookie.
 */
export function admitted(auth: Auth | undefined): MiddlewareHandler {
  return async (c, next) => {
    const base = basePath(c).replace(/\/+$/, '')
    if (typeof auth === 'function') {
      return auth(c, async () => {
        await enter(c, base, false)
        await next()
      })
    }
    if (auth === 'none') {
      checkLoopback(c)
      await enter(c, base, false)
      return next()
    }
    const secret = secretOf(c)
    const cookie = getCookie(c, cookieName)
    if (cookie !== undefined && (await isSession(cookie, secret))) {
      await enter(c, base, true)
      return next()
    }
    c.set('access', { base, token: '', signedIn: false })
    // A link from elsewhere: a browser sends no strict cookie along, but does when the page itself asks once more.
    const isLink = c.req.method === 'GET' && cookie === undefined && c.req.header('sec-fetch-site') === 'cross-site'
    if (isLink) return c.html('<!doctype html><meta http-equiv="refresh" content="0"><title>JobMaster</title>')
    const to = c.req.method === 'GET' ? inside(c, base) : '/'
    return c.redirect(`${base}/login${to === '/' ? '' : `?to=${encodeURIComponent(to)}`}`, 303)
  }
}

/** Whether the secret was the right one. If so, the answer carries the cookie. */
export async function signIn(c: Context, given: string): Promise<boolean> {
  const secret = secretOf(c)
  if (!(await isSame(given, secret))) return false
  setSession(c, await newSession(secret))
  return true
}

export function signOut(c: Context): void {
  deleteCookie(c, cookieName, { path: basePath(c).replace(/\/+$/, '') || '/' })
}

/** The secret that opens the dashboard. @throws Problem where there is none */
export function secretOf(c: Context): string {
  const secret = secretIn(invocationOf(c).env, secrets.all)
  if (secret !== undefined) return secret
  throw new Problem(503, {
    detail: `the dashboard is closed until ${secrets.all} is set in the function's environment`,
  })
}

async function enter(c: Context, base: string, signedIn: boolean): Promise<void> {
  let cookie = getCookie(c, cookieName)
  if (cookie === undefined || cookie === '') {
    cookie = crypto.randomUUID()
    setSession(c, cookie)
  }
  const token = await formToken(cookie)
  if (c.req.method === 'POST') {
    const { token: given } = await c.req.parseBody()
    if (typeof given !== 'string' || !(await isSame(given, token))) {
      throw new Problem(403, {
        detail: 'this form is not from a page of this session: go back, reload the page, and try again',
      })
    }
  }
  c.set('access', { base, token, signedIn })
}

function setSession(c: Context, value: string): void {
  setCookie(c, cookieName, value, {
    path: basePath(c).replace(/\/+$/, '') || '/',
    httpOnly: true,
    sameSite: 'Strict',
    secure: new URL(c.req.url).protocol === 'https:' || c.req.header('x-forwarded-proto') === 'https',
    maxAge: lifetimeSeconds,
  })
}

/** The page that was asked for, from where the dashboard is mounted. */
function inside(c: Context, base: string): string {
  const { pathname, search } = new URL(c.req.url)
  const path = pathname.slice(base.length) + search
  return path.startsWith('/') ? path : `/${path}`
}
