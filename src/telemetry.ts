import type { Ending } from './executor.ts'
import type { ClaimAnswer, ClaimedJob } from './queue.ts'
import type { Report } from './report.ts'

/**
 * What traces and measures: `jobmaster/opentelemetry` makes one. It is a seam so that the engine, which is loaded at each
 * cold start, does not bring a tracing API that most do not use.
 */
export interface Telemetry {
  /** Around an insert of jobs of these tasks. `trace` is a W3C traceparent, to be kept with them. */
  send<T>(tasks: readonly string[], insert: (trace: string | undefined) => Promise<T>): Promise<T>
  /** Around a drain. */
  drain(system: string, run: () => Promise<Report>): Promise<Report>
  /** Around a statement that settles and claims. */
  receive(system: string, call: () => Promise<ClaimAnswer>): Promise<ClaimAnswer>
  /** Around a handler. */
  process(job: ClaimedJob, run: () => Ending | Promise<Ending>): Ending | Promise<Ending>
}
