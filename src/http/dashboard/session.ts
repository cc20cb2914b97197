import { isSame } from '../signature.ts'

/** Who has signed in stays so for as long. */
export const lifetimeSeconds = 12 * 60 * 60

/**
 * What the cookie of one who gave the secret holds: when it ends, a number used once, and their signature by the secret.
 * Nothing of it is kept: another secret ends every session.
 */
export async function newSession(secret: string, now = Date.now()): Promise<string> {
  const content = `${Math.floor(now / 1_000) + lifetimeSeconds}.${crypto.randomUUID()}`
  return `${content}.${await signature(secret, content)}`
}

/** Whether a cookie's value is one that the secret has signed, and has not ended. */
export async function isSession(value: string, secret: string, now = Date.now()): Promise<boolean> {
  const [, content, until, given] = /^((\d{1,11})\.[0-9a-f-]{36})\.([0-9a-f]{64})$/.exec(value) ?? []
  if (content === undefined || until === undefined || given === undefined) return false
  const isRight = await isSame(given, await signature(secret, content))
  return isRight && Number(until) * 1_000 > now
}

/** The token of the forms of a page: only a page that was made for this cookie has it. */
export function formToken(cookie: string): Promise<string> {
  return hmac(cookie, 'jobmaster dashboard form')
}

function signature(secret: string, content: string): Promise<string> {
  return hmac(secret, `jobmaster dashboard session ${content}`)
}

async function hmac(key: string, text: string): Promise<string> {
  const encoder = new TextEncoder()
  const imported = await crypto.subtle.importKey('raw', encoder.encode(key), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  const bytes = new Uint8Array(await crypto.subtle.sign('HMAC', imported, encoder.encode(text)))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
