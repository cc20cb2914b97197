import { exitCodes } from './exit-codes.ts'

/** Ctrl-C and SIGTERM, while something runs. */
export interface Interrupt {
  /** The first: finish what runs, start nothing more. */
  readonly finish: AbortSignal
  /** The second: stop at once. */
  readonly stop: AbortSignal
  /** What to end with, once one has come. */
  readonly exitCode: () => number | undefined
  close(): void
}

/** Listens until it is closed. `say` is told of the first and the second; a third ends the process where it stands. */
export function onInterrupt(say: (time: 'first' | 'second') => void): Interrupt {
  const finish = new AbortController()
  const stop = new AbortController()
  let exitCode: number | undefined
  const listen = (signal: NodeJS.Signals) => {
    exitCode ??= signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
    if (!finish.signal.aborted) {
      say('first')
      finish.abort()
    } else if (!stop.signal.aborted) {
      say('second')
      stop.abort()
    } else {
      process.exit(exitCode)
    }
  }
  process.on('SIGINT', listen)
  process.on('SIGTERM', listen)
  return {
    finish: finish.signal,
    stop: stop.signal,
    exitCode: () => exitCode,
    close() {
      process.off('SIGINT', listen)
      process.off('SIGTERM', listen)
    },
  }
}
