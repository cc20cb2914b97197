import { pathToFileURL } from 'node:url'
import { readFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { referenceAnswers } from '../reference.ts'
import { answersOf, over } from '../requests.ts'
import { bundle, fetched, forNode, neonPlatform, start } from './start.ts'
import { startWorker } from './worker.ts'

type Made = Awaited<ReturnType<typeof neonPlatform>>

const runtimes: Record<string, (made: Made) => Promise<string>> = {
  'Node 22': async ({ env }) => start(fetched('node22', '.bin/node'), [await bundle('node', forNode)], env),
  'Node 24': async ({ env }) => start(process.execPath, [await bundle('node', forNode)], env),
  'Node 26': async ({ env }) => start(fetched('node26', '.bin/node'), [await bundle('node', forNode)], env),
  Bun: async ({ env }) => start(fetched('bun', '.bin/bun'), [await bundle('node', forNode)], env),
  Deno: async ({ env }) =>
    start(
      fetched('deno', '.bin/deno'),
      ['serve', '--port=0', '--host=127.0.0.1', '--allow-net', '--allow-env', await bundle('deno', forNode)],
      env,
    ),
  'edge-runtime': async ({ env }) => {
    const file = await bundle('edge', { format: 'iife', conditions: ['edge-light', 'workerd'] })
    const { EdgeRuntime, runServer } = await import(
      pathToFileURL(fetched('edge-runtime', 'edge-runtime/dist/index.js')).href
    )
    // Vercel gives its edge functions of a process nothing but env.
    const extend = (context: object) => Object.assign(context, { process: { env } })
    const runtime = new EdgeRuntime({ initialCode: await readFile(file, 'utf8'), extend })
    const server = await runServer({ runtime, host: '127.0.0.1' })
    onTestFinished(() => server.close())
    return server.url
  },
  workerd: async (made) => (await startWorker(made)).url,
}

test.for(Object.entries(runtimes))(
  '%s answers every request as the app by itself does',
  { timeout: 60_000 },
  async ([, url]) => {
    const expected = await referenceAnswers()
    const base = (await url(await neonPlatform())).replace(/\/$/, '')
    expect(await answersOf(over(`${base}/jobmaster`))).toEqual(expected)
  },
)
