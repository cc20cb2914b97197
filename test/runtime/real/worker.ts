import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { bundle, fetched, type neonPlatform } from './start.ts'

/** A Worker that runs in workerd, with the ways in that Cloudflare has. */
export interface StartedWorker {
  url: string
  /** What a cron trigger does. */
  cron(): Promise<void>
  /** What a queue does that delivers these messages. Answers whether the batch is over, or will come again. */
  deliver(bodies: readonly unknown[]): Promise<'delivered' | 'again'>
}

interface Options {
  bindings?: Record<string, string>
  /** Called for each subrequest instead of sending it to the local Neon server. */
  outbound?: (request: Request) => Promise<Response>
}

/**
 * Starts servers/worker.ts in workerd. Whatever it sends to neon.tech goes to the local server, so that it runs as it
 * would be deployed.
 */
export async function startWorker(
  { env, neon }: Pick<Awaited<ReturnType<typeof neonPlatform>>, 'env' | 'neon'>,
  { bindings, outbound }: Options = {},
): Promise<StartedWorker> {
  const script = await readFile(await bundle('worker', { conditions: ['workerd', 'worker', 'browser'] }), 'utf8')
  const { Miniflare } = await import(pathToFileURL(fetched('miniflare', 'miniflare/dist/src/index.js')).href)
  const { NEON_PORT, ...rest } = env
  const worker = new Miniflare({
    name: 'worker',
    modules: [{ type: 'ESModule', path: 'worker.mjs', contents: script }],
    compatibilityDate: '2026-06-01',
    bindings: { ...rest, ...bindings },
    serviceBindings: { SELF: 'worker' },
    cf: false,
    outboundService: outbound ?? { external: { address: `127.0.0.1:${neon.port}`, http: {} } },
  })
  onTestFinished(() => worker.dispose())
  const url: URL = await worker.ready
  return {
    url: url.href.replace(/\/$/, ''),
    async cron() {
      const { outcome } = await (await worker.getWorker()).scheduled({ cron: '* * * * *' })
      if (outcome !== 'ok') throw new Error(`the cron trigger ended with ${outcome}`)
    },
    async deliver(bodies) {
      const messages = bodies.map((body, index) => ({ id: String(index), timestamp: new Date(), body, attempts: 1 }))
      const { outcome } = await (await worker.getWorker()).queue('wake-ups', messages)
      return outcome === 'ok' ? 'delivered' : 'again'
    },
  }
}
