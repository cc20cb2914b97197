/**
 * One case in a thread of its own, as what it stands for has a process of its own: what one leaves on the heap, and what
 * V8 learns of its objects, is nothing to the next.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { Case } from './case.ts'
import { cases } from './cases.ts'
import { createPlace, type PlaceOptions } from './place.ts'

/** What the thread is started with. */
export interface ThreadData extends PlaceOptions {
  name: string
}

export type Request = 'open' | 'prepare' | 'run' | 'close'

const { name, ...options } = workerData as ThreadData
const place = await createPlace(options)
const open = await (cases.find((one) => one.name === name) as Case).open(place)

const answers: Record<Request, () => Promise<unknown>> = {
  open: async () => {},
  prepare: () => open.prepare(),
  async run() {
    const startedAt = performance.now()
    const done = await open.run()
    return { ...done, seconds: done.seconds ?? (performance.now() - startedAt) / 1_000 }
  },
  async close() {
    await open.close()
    await place.drop()
  },
}
parentPort?.on('message', (request: Request) => {
  answers[request]().then(
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    (answer) => parentPort?.postMessage(answer),
    // Unhandled, it ends the thread, and the benchmark says why.
    (error: unknown) => setImmediate(() => Promise.reject(error)),
  )
})
