import type { Ending } from './executor.ts'
import type { ClaimAnswer, ClaimedJob, ClaimRequest, Note, Outcome } from './queue.ts'
import { type Report, type ReportedJob, tally } from './report.ts'

/** A job that an invocation ran, and has not handed in. */
export interface EndedJob {
  job: ClaimedJob
  durationMs: number
  ending: Ending
  note: Note | null
}

/** What is handed in of the jobs that ended, and of those that were claimed and not started. */
export function outcomesOf(
  ended: readonly EndedJob[],
  released: readonly ClaimedJob[],
): Pick<ClaimRequest, 'completed' | 'outcomes'> {
  return {
    completed: ended.flatMap(({ job: [id, , attempt], ending }) =>
      ending.outcome === 'completed' ? [[id, attempt, ending.result] as const] : [],
    ),
    outcomes: [
      ...ended.flatMap(outcomeOf),
      ...released.map(([id, , attempt]): Outcome => ({ id, attempt, outcome: 'released' })),
    ],
  }
}

function outcomeOf({ job: [id, , attempt], ending }: EndedJob): Outcome[] {
  if (ending.outcome === 'completed') return []
  const outcome: Outcome = { id, attempt, outcome: ending.outcome, error: ending.error }
  if (ending.retryMs !== undefined) outcome.retry_ms = ending.retryMs
  return [outcome]
}

/** Counts what the answer says became of them, and tells `told` of each. */
export function countEnded(
  report: Report,
  answer: ClaimAnswer,
  ended: readonly EndedJob[],
  told: (job: ReportedJob) => void,
): void {
  const refused = new Set(answer.refused)
  const settled = new Map(answer.settled)
  for (const { job, durationMs, ending } of ended) {
    const [id, task, attempt] = job
    const status = refused.has(id) ? 'refused' : ending.outcome === 'completed' ? 'completed' : settled.get(id)
    if (status === undefined) continue
    const reported: ReportedJob = { id, task, status, attempt, durationMs }
    if (ending.outcome !== 'completed') reported.error = ending.error
    tally(report, reported)
    told(reported)
  }
}
