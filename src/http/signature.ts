/**
 * Signed requests, as Standard Webhooks has them, so that there is a library in every language:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

export interface Signed {
  id: string
  /** Seconds since 1970. */
  timestamp: string
  body: string
}

/** What a request carries beside its body. */
export async function signatureHeaders(secret: string, body: string): Promise<Record<string, string>> {
  const id = crypto.randomUUID()
  const timestamp = String(Math.floor(Date.now() / 1_000))
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${await signature(secret, { id, timestamp, body })}`,
  }
}

export function isSigned(headers: Headers): boolean {
  return headers.has('webhook-signature')
}

/**
 * The signature that the request should have and has, and the time that was signed with it; null where it has none that
 * is right. Whether the time is right, and the signature new, is the database's to say.
 */
export async function verified(
  secret: string,
  headers: Headers,
  body: string,
): Promise<{ signature: string; signedAt: Date } | null> {
  const id = headers.get('webhook-id') ?? ''
  const timestamp = headers.get('webhook-timestamp') ?? ''
  if (id === '' || !/^\d{1,11}$/.test(timestamp)) return null
  const right = await signature(secret, { id, timestamp, body })
  // Several where a secret is being replaced; more than a few are nobody's.
  const given = (headers.get('webhook-signature') ?? '').split(' ', 10)
  let matches = false
  for (const one of given) {
    if (await isSame(one, `v1,${right}`)) matches = true
  }
  return matches ? { signature: right, signedAt: new Date(Number(timestamp) * 1_000) } : null
}

/** Whether two texts are the same, in a time that does not tell where they differ: that of comparing their digests. */
export async function isSame(given: string, right: string): Promise<boolean> {
  const [a, b] = await Promise.all([digest(given), digest(right)])
  let difference = 0
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0)
  return difference === 0
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}

async function signature(secret: string, { id, timestamp, body }: Signed): Promise<string> {
  const key = await crypto.subtle.importKey('raw', keyOf(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const signed = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(`${id}.${timestamp}.${body}`))
  return btoa(String.fromCharCode(...new Uint8Array(signed)))
}

/** `whsec_…` holds bytes in base64; anything else is what it is. */
function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  if (!secret.startsWith('whsec_')) return new TextEncoder().encode(secret)
  return Uint8Array.from(atob(secret.slice('whsec_'.length)), (character) => character.charCodeAt(0))
}
