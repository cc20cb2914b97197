import color from 'picocolors'
import { openPostgres } from './database.ts'
import { createJobs } from './jobs.ts'
import { readSource } from './sources.ts'

// `npm run deploy`: the application's own tables by its migrations, as `drizzle-kit migrate` would, then JobMaster's
// tables, functions and catalog. Run it with each release, before the new code. `-- --plan` only says what it would do.

type Plan = Awaited<ReturnType<ReturnType<typeof createJobs>['plan']>>

async function deploy(): Promise<void> {
  const { DATABASE_URL } = process.env
  if (!DATABASE_URL) throw new Error('DATABASE_URL is not set: set it to the connection string of the database')
  const database = await openPostgres(DATABASE_URL)
  try {
    const jobs = createJobs(database.db, { ...process.env, readSource })
    console.log(`Database: ${database.name}`)
    if (process.argv.includes('--plan')) return print(await jobs.plan(), 'Would be')
    await database.migrate()
    print(await jobs.deploy(), 'Was')
  } finally {
    await database.close()
  }
}

function print({ upToDate, migrations, recorded, functions, tasks, warnings, problems }: Plan, verb: string): void {
  const line = (what: string, names: readonly string[]) => {
    if (names.length > 0) console.log(`${verb} ${what}: ${names.join(', ')}`)
  }
  if (upToDate) console.log(`Nothing to deploy: ${tasks.unchanged.length} tasks are as the code says.`)
  line('migrated', migrations)
  line('recorded, as the tables were there', recorded)
  line('replaced', functions ? ['the SQL functions'] : [])
  line('added', tasks.added)
  for (const { task, what } of tasks.changed) line('changed', [`${task} (${what.join(', ')})`])
  line('retired', tasks.retired)
  for (const warning of warnings) console.log(color.yellow(warning))
  for (const problem of problems) console.error(color.red(problem))
  if (problems.length > 0) process.exitCode = 1
}

deploy().catch((error: unknown) => {
  console.error(color.red(error instanceof Error ? error.message : String(error)))
  for (let cause = error; cause instanceof Error && cause.cause instanceof Error; cause = cause.cause) {
    console.error(`  because: ${cause.cause.message}`)
  }
  process.exitCode = 1
})
