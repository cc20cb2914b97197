/** A deadline so many milliseconds from now; far enough for a drain to end by itself when not given. */
export function deadlineIn(milliseconds = 15_000): Date {
  return new Date(Date.now() + milliseconds)
}

/** For a handler that runs until it is told to stop: throws then. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new Error('told to stop'))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
  })
}
