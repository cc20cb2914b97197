import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { task } from 'jobmaster'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { dumpSchema } from '../support/dump.ts'
import { setup } from '../support/jobs.ts'
import { openDatabase } from '../support/open.ts'

const cool = { foo: task({ params: { a: v.number() }, run: ({ a }) => ({ a }) }) }

describe('the tables are the same', () => {
  test('by `drizzle-kit push` and by deploy()', async () => {
    const pushed = await openDatabase()
    await drizzleKit('push', pushed.url)
    const deployed = await setup({ cool })
    const tables = await dumpSchema(pushed.sql, 'jobmaster')
    expect(tables).toContain('table jobs')
    expect(tables).toEqual(await dumpSchema(deployed.sql, 'jobmaster'))
  })

  test('by `drizzle-kit migrate` and by deploy()', async () => {
    const migrated = await openDatabase()
    await drizzleKit('migrate', migrated.url)
    const deployed = await setup({ cool })
    expect(await dumpSchema(migrated.sql, 'jobmaster')).toEqual(await dumpSchema(deployed.sql, 'jobmaster'))
  })

  test('by deploy() in a schema of another name', async () => {
    const deployed = await setup({ cool })
    const other = await setup({ cool }, { database: deployed.database, schema: 'job_mistress' })
    expect(await dumpSchema(other.sql, 'job_mistress')).toEqual(await dumpSchema(deployed.sql, 'jobmaster'))
  })
})

// Three processes, of seconds each where others want the machine too.
test('pushing twice says that there are no changes, before deploy() and after', { timeout: 60_000 }, async () => {
  const { url, ...database } = await openDatabase()
  expect(await drizzleKit('push', url)).toContain('Changes applied')
  expect(await drizzleKit('push', url)).toContain('No changes detected')
  await setup({ cool }, { database: { url, ...database } })
  expect(await drizzleKit('push', url)).toContain('No changes detected')
})

test.each(['push', 'migrate'] as const)('after a %s deploy() adds the functions and the catalog', async (command) => {
  const database = await openDatabase()
  await drizzleKit(command, database.url)
  const { jobs, sql } = await setup({ cool }, { database })
  await sql`call jobmaster.insert_job('cool', 'foo', 10, '{"a": 1}'::json)`
  const report = await jobs.runUntilEmpty(new Date(Date.now() + 10_000))
  expect(report.completed).toBe(1)
  expect(await sql`select type_key, task_key from jobmaster.tasks`).toEqual([{ type_key: 'cool', task_key: 'foo' }])
})

test('tables that no version of JobMaster has are refused, naming the difference', async () => {
  const database = await openDatabase()
  await drizzleKit('push', database.url)
  await database.sql`alter table jobmaster.jobs rename column priority to urgency`
  await expect(setup({ cool }, { database })).rejects.toThrow(/urgency|priority/)
})

const root = fileURLToPath(new URL('../..', import.meta.url))

/** It exits 0 on an SQL error, so what it says is looked at. */
async function drizzleKit(command: 'push' | 'migrate', url: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [
      'node_modules/drizzle-kit/bin.cjs',
      command,
      '--config=drizzle.config.ts',
      ...(command === 'push' ? ['--force'] : []),
    ],
    { cwd: root, env: { ...process.env, DATABASE_URL: url } },
  )
  const output = stdout + stderr
  if (/error/i.test(output)) throw new Error(output)
  return output
}
