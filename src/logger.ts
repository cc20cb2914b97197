import type { Report, ReportedJob } from './report.ts'
import type { RunOptions } from './run-options.ts'

/** Takes fields and then a sentence: pino does, and so does `console`. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * A drain that says what it did: each job (`error` where it has failed for good, `warn` where it is tried again or was
 * settled too late, else `debug`), and at the end its report. Arguments and results are never logged.
 */
export async function logged(
  logger: Logger,
  system: string,
  options: RunOptions,
  run: (options: RunOptions) => Promise<Report>,
): Promise<Report> {
  try {
    const report = await run({
      ...options,
      onJob(job) {
        logger[levelOf(job)](job, `${job.task} #${job.id} ${outcomeOf(job)}`)
        options.onJob?.(job)
      },
    })
    const { jobs: _, ...counts } = report
    logger.info({ system, ...counts }, `drained ${system}: ${report.stopReason}, ${report.completed} completed`)
    if (report.abandoned > 0) {
      logger.warn({ system, abandoned: report.abandoned }, `${report.abandoned} still ran when the drain had to go`)
    }
    return report
  } catch (error) {
    logger.error({ system, err: error }, `the drain of ${system} failed`)
    throw error
  }
}

function levelOf({ status }: ReportedJob): 'debug' | 'warn' | 'error' {
  if (status === 'failed') return 'error'
  return status === 'scheduled' || status === 'refused' ? 'warn' : 'debug'
}

function outcomeOf({ status, error }: ReportedJob): string {
  if (status === 'refused') return 'was settled too late: its lease had been taken back'
  if (status === 'scheduled') return `is tried again: ${error?.message}`
  return error ? `${status}: ${error.message}` : status
}
