/**
 * What JobMaster throws. `code` is the SQLSTATE: one of our own (class JM, listed in the README), or the one Postgres
 * gave. `cause` is the driver's error, where there was one.
 */
export class JobMasterError extends Error {
  override readonly name: string = 'JobMasterError'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Thrown by a handler: the job has failed for good, whatever attempts are left. */
export class NonRetriable extends Error {
  override readonly name: string = 'NonRetriable'
}

/** Thrown by a handler: the attempt failed; the next one, if any is left, starts after so many milliseconds, a year at most. */
export class RetryAfter extends Error {
  override readonly name: string = 'RetryAfter'
  readonly milliseconds: number

  constructor(milliseconds: number, message = `to be tried again after ${milliseconds} ms`, options?: ErrorOptions) {
    super(message, options)
    this.milliseconds = milliseconds
  }
}
