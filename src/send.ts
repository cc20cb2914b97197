import { JobMasterError } from './errors.ts'
import type { ClaimAnswer, ClaimRequest } from './queue.ts'

/** Serialization failure, deadlock, connection, shutdown, too many connections: the same call may do the second time. */
const transient = /^(40001|40P01|08|57P0|53300)/
const attempts = 4
const programLimitExceeded = '54000'

/**
 * The same call again when its answer was lost or it lost a race: its number tells the database that it is the same.
 * One that would have brought more than Postgres puts into an answer has done nothing, and asks for less.
 * @param once sends it once
 * @param mayRepeat whether it may be sent again after so many milliseconds
 */
export async function send(
  request: Omit<ClaimRequest, 'repeat'>,
  once: (request: ClaimRequest) => Promise<ClaimAnswer>,
  mayRepeat: (delayMs: number) => boolean,
): Promise<ClaimAnswer> {
  let { limit } = request
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once({ ...request, limit, repeat: attempt > 1 })
    } catch (error) {
      const code = error instanceof JobMasterError ? error.code : ''
      const tooMuch = code === programLimitExceeded && limit > 1
      const delay = tooMuch ? 0 : 50 * 2 ** attempt
      const again = tooMuch || (transient.test(code) && attempt < attempts)
      if (!again || !mayRepeat(delay)) throw error
      if (tooMuch) limit = Math.ceil(limit / 4)
      else await sleep(delay)
    }
  }
}

/** A database that hangs must not keep the drain past its time: what was sent is settled or comes back by its lease. */
export async function inTime(statement: Promise<ClaimAnswer>, milliseconds: number): Promise<ClaimAnswer> {
  const late = Promise.withResolvers<never>()
  const timer = after(milliseconds, () => late.reject(new TooLate()))
  return Promise.race([statement, late.promise]).finally(() => clearTimeout(timer))
}

export class TooLate extends JobMasterError {
  constructor() {
    super('08006', 'the database did not answer by the time the drain had to return')
  }
}

/** Timers hold 31 bits, and Node warns of one for a time that is past. */
export function after(milliseconds: number, then: () => void): ReturnType<typeof setTimeout> {
  return setTimeout(then, Math.min(Math.max(1, milliseconds), 2 ** 31 - 1))
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => after(milliseconds, resolve))
}
