import { createApp, type HttpOptions, type PlatformInvocation, withInvocation } from 'jobmaster/http'
import type { JobMaster } from 'jobmaster'

export const secret = 'the secret of every route but the drain'.replaceAll(' ', '-')
export const cronSecret = 'the-secret-of-the-drain'
export const signingSecret = 'whsec_dGhlIGtleSB0aGF0IHNpZ25zIHJlcXVlc3Rz'

const secrets = { JOBMASTER_SECRET: secret, CRON_SECRET: cronSecret, JOBMASTER_SIGNING_SECRET: signingSecret }

type Known = Partial<PlatformInvocation>

/** The app over these jobs, with all secrets set, and what it keeps for after its answers. */
export function serve(jobs: JobMaster, options: HttpOptions = {}, known: Known = {}) {
  const errors: unknown[] = []
  const kept: Promise<unknown>[] = []
  const app = createApp(jobs, { onError: (error) => errors.push(error), ...options })

  const invocation = (): PlatformInvocation => ({
    env: secrets,
    deadline: new Date(Date.now() + 10_000),
    waitUntil: (promise) => kept.push(promise),
    ...known,
  })

  /** Sends a request as it is. */
  const send = async (request: Request): Promise<Response> => app.fetch(withInvocation(request, invocation()))

  /** Sends a request with the secret that its route asks for, unless another is given. */
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const opened = path.startsWith('/drain') ? cronSecret : secret
    return send(
      new Request(`https://jobs.example${path}`, {
        method,
        headers: {
          authorization: `Bearer ${opened}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    )
  }

  /** Until nothing is left that was kept for after an answer. */
  const afterwards = async () => {
    while (kept.length > 0) await kept.shift()
  }

  return { app, send, ask, afterwards, errors }
}
