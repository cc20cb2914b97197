/** A mail provider that knows a key it has seen, as theirs do. */
const seen = new Set<string>()

export async function send(
  { to }: { to: string; subject: string },
  { idempotencyKey }: { idempotencyKey: string; signal: AbortSignal },
): Promise<'sent' | 'sent before' | 'no such address'> {
  await Promise.resolve()
  if (to.endsWith('@nowhere.example')) return 'no such address'
  const answer = seen.has(idempotencyKey) ? 'sent before' : 'sent'
  seen.add(idempotencyKey)
  return answer
}
