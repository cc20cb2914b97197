import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Report, ReportedJob } from '../report.ts'
import { problemOf } from './problem.ts'
import { told, toldJob } from './told.ts'

/** Proxies hang up on a connection that says nothing. */
const silenceMs = 15_000

/**
 * A drain as server-sent events: `job` for each job once its outcome is written, and at last `report`, or `problem`.
 * A client that hangs up does not stop the drain.
 */
export function streamed(
  c: Context,
  drain: (onJob: (job: ReportedJob) => void) => Promise<Report>,
  onError: (error: unknown) => void,
): Response {
  return streamSSE(c, async (stream) => {
    let last: Promise<unknown> = Promise.resolve()
    const send = (event: string, data: unknown): void => {
      if (stream.aborted) return
      const message = { event, data: JSON.stringify(data) }
      last = last.then(() => stream.writeSSE(message))
    }
    const comment = setInterval(() => {
      last = last.then(() => stream.write(': still at it\n\n'))
    }, silenceMs)
    try {
      send(
        'report',
        told(
          await drain((job) => {
            send('job', toldJob(job))
          }),
        ),
      )
    } catch (error) {
      const problem = problemOf(error)
      if (problem.status >= 500) onError(problem.cause ?? problem)
      send('problem', problem.body)
    } finally {
      clearInterval(comment)
      await last
    }
  })
}
