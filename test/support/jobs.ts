import { createJobMaster } from 'jobmaster'
import { Clock } from './clock.ts'
import { openDatabase, type OpenDatabase } from './open.ts'

type Tasks = Record<string, object>
type Options = Omit<Parameters<typeof createJobMaster>[0], 'db' | 'tasks'>

/**
 * A jobs instance in a fresh database over the driver of this test project, deployed.
 * `database` puts it in the database of another setup instead; `deploy: false` leaves it bare.
 * Everything is closed when the test ends.
 */
export async function setup<const T extends Tasks>(
  tasks: T,
  { database, deploy = true, ...options }: Options & { database?: OpenDatabase; deploy?: boolean } = {},
) {
  const opened = database ?? (await openDatabase())
  const jobs = createJobMaster({ ...options, db: opened.db, tasks })
  if (deploy) await jobs.deploy()
  opened.statements.reset()
  return { ...opened, database: opened, jobs, clock: new Clock(opened.sql, options.schema ?? 'jobmaster') }
}
