import type { Report, ReportedJob } from '../report.ts'

/** A report as the caller of a drain is told it: who may start drains need not know the files of the code. */
export function told(report: Report): Report {
  return { ...report, jobs: report.jobs.map(toldJob) }
}

/** The same of one job. */
export function toldJob({ error, ...job }: ReportedJob): ReportedJob {
  return error ? { ...job, error: { name: error.name, message: error.message } } : job
}
