import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { build } from 'esbuild'
import type { Done } from './case.ts'
import type { Request, ThreadData } from './case-thread.ts'

/** A case that has been opened in a thread of its own. */
export interface Thread {
  prepare(): Promise<void>
  run(): Promise<Done & { seconds: number }>
  close(): Promise<void>
}

/** One file of what the threads run, beside the peers' packages: each would read a thousand otherwise. */
export async function bundleThread(folder: string): Promise<string> {
  const outfile = `${folder}/node_modules/.bench/case-thread.mjs`
  await build({
    entryPoints: [`${folder}/case-thread.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['pg', 'pg-boss', 'graphile-worker', 'esbuild'],
    conditions: ['jobmaster-source'],
  })
  return outfile
}

export async function startThread(script: string, data: ThreadData): Promise<Thread> {
  const worker = new Worker(script, { workerData: data })
  const ask = async (request: Request): Promise<unknown> => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(request)
    // It fails when the thread does.
    const [answer] = await once(worker, 'message')
    return answer
  }
  await ask('open')
  return {
    prepare: async () => void (await ask('prepare')),
    run: async () => (await ask('run')) as Done & { seconds: number },
    async close() {
      await ask('close')
      await worker.terminate()
    },
  }
}
