import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { forkProgram } from '../support/program.ts'
import { systems } from './crowd.ts'

/** A process that drains: `name` is its application's name in Postgres. */
export interface Worker {
  name: string
  /** Asks it to end after the drain under way. */
  stop(): void
  /** `kill -9`, and until it is gone. */
  kill(): Promise<void>
  /** What it did, once it has ended by itself. */
  readonly ended: Promise<{ drains: number; completed: number; refused: number }>
}

/**
 * Starts so many processes, each of one system in turn, and lets them go at the same moment. Where a port is given, two
 * of four speak Neon's HTTP protocol to it.
 */
export async function startWorkers(url: string, count: number, neonPort?: number): Promise<Worker[]> {
  const started = await Promise.all(
    Array.from({ length: count }, (_, index) => startWorker(url, index, index % 4 < 2 ? undefined : neonPort)),
  )
  for (const { child } of started) child.send('go')
  return started.map(({ worker }) => worker)
}

async function startWorker(
  url: string,
  index: number,
  neonPort: number | undefined,
): Promise<{ worker: Worker; child: ChildProcess }> {
  const [system, units] = Object.entries(systems)[index % Object.keys(systems).length]!
  const name = `worker-${index}`
  const child = await forkProgram(new URL('worker.ts', import.meta.url), [
    JSON.stringify({ url, name, system, units, neonPort }),
  ])
  onTestFinished(() => void child.kill('SIGKILL'))
  const gone = once(child, 'exit')
  // A process may be gone before its last message has arrived; its channel ends after it.
  const silent = once(child, 'disconnect')
  const [word] = await Promise.race([once(child, 'message'), silent])
  if (word !== 'ready') throw new Error(`${name} did not start`)

  const ended = Promise.race([once(child, 'message'), silent]).then(async ([message]) => {
    if (typeof message === 'object' && message !== null && 'counts' in message) return message.counts
    throw new Error(`${name} failed: ${JSON.stringify(message ?? (await gone))}`)
  })
  ended.catch(() => {})
  const worker = {
    name,
    ended,
    stop: () => void child.send('stop'),
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
  return { worker, child }
}
