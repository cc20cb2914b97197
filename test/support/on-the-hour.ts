import { createJobMaster } from 'jobmaster'
import type { Clock } from './clock.ts'
import { setup } from './jobs.ts'

/** As setup; but these tasks and schedules are deployed a second after a full hour of the database's clock. */
export async function setupOnTheHour(tasks: Record<string, object>) {
  const { database, clock, ...opened } = await setup({})
  const hour = await toNextHour(clock)
  const jobs = createJobMaster({ db: database.db, tasks })
  await jobs.deploy()
  database.statements.reset()
  return { ...opened, database, clock, jobs, hour }
}

/** Moves the clock to a second after its next full hour, and returns that hour. */
export async function toNextHour(clock: Clock): Promise<Date> {
  const now = await clock.now()
  const hour = new Date((Math.floor(now.getTime() / 3_600_000) + 1) * 3_600_000)
  await clock.advance({ milliseconds: hour.getTime() - now.getTime() + 1_000 })
  return hour
}
