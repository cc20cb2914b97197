import { once } from 'node:events'
import { forkProgram } from '../support/program.ts'

export interface DrainerOptions {
  url: string
  system: string
  units: number
  /**
   * The file where it writes down each attempt that it runs, and `.errors` beside it, with the SQLSTATE of each drain
   * that failed: they outlive a kill, and no fault is in their way.
   */
  runs: string
  /** Which version of the tasks it has. */
  version?: number
  /** How far its clock is off. */
  clockMs?: number
  deadlineMs?: number
  /** Where to speak Neon's HTTP protocol, in place of Postgres' own. */
  neonPort?: number
}

/** A process that drains. */
export interface Drainer {
  start(options: DrainerOptions): void
  /** Lets the drain under way end. How many drains it made, and how many of them failed. */
  end(): Promise<{ drains: number; errors: number }>
  /** `kill -9`, and until it is gone. */
  kill(): Promise<void>
}

export async function startDrainer(): Promise<Drainer> {
  const child = await forkProgram(new URL('drainer.ts', import.meta.url))
  const gone = once(child, 'exit')
  const [word] = await Promise.race([once(child, 'message'), gone])
  if (word !== 'ready') throw new Error('a process that drains did not start')
  return {
    start: (options) => void child.send(options),
    async end() {
      const answered = once(child, 'message').then(([counts]) => counts)
      child.send('end')
      return Promise.race([answered, gone.then(() => Promise.reject(new Error('a process that drains has died')))])
    },
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
