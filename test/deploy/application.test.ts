import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createJobMaster, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../support/drivers.ts'
import { dumpSchema } from '../support/dump.ts'
import { setup } from '../support/jobs.ts'
import { openDatabase } from '../support/open.ts'
import type { Sql } from '../support/sql.ts'

const cool = { foo: task({ params: { a: v.number() }, run: ({ a }) => ({ a }) }) }
const soon = () => new Date(Date.now() + 10_000)

test("one push of an application's drizzle config deploys its own tables and JobMaster's", async () => {
  const { sql, url } = await openDatabase()
  const application = await anApplication()
  expect(await application.push(url)).toContain('Changes applied')
  const deployed = await setup({ cool })
  expect(await dumpSchema(sql, 'jobmaster')).toEqual(await dumpSchema(deployed.sql, 'jobmaster'))
  expect(await sql`select id, city from public.customers`).toEqual([])
  expect(await application.push(url)).toContain('No changes detected')
})

test('a later push, after the first jobs, changes nothing and drops nothing', async () => {
  const { db, url } = await openDatabase()
  const application = await anApplication()
  await application.push(url)
  const jobs = createJobMaster({ db, tasks: { cool } })
  await jobs.insert(cool.foo, { a: 1 })
  expect(await application.push(url)).toContain('No changes detected')
  expect(await jobs.runUntilEmpty(soon())).toMatchObject({ completed: 1 })
})

test.each([
  ['a drain', (jobs: Jobs) => jobs.runUntilEmpty(soon())],
  ['an insert', (jobs: Jobs) => jobs.insert(cool.foo, { a: 1 })],
  ['a pruning', (jobs: Jobs) => jobs.prune({ completed: '7 days' })],
])('after a push alone, the first invocation, %s, adds functions and catalog', async (_, invoke) => {
  const { db, sql, url } = await openDatabase()
  await (await anApplication()).push(url)
  await invoke(createJobMaster({ db, tasks: { cool } }))
  expect(await sql`select type_key, task_key from jobmaster.tasks`).toEqual([{ type_key: 'cool', task_key: 'foo' }])
  // drizzle-kit has no word for it on a primary key.
  const stored = await sql`select reloptions from pg_class where oid = 'jobmaster.jobs_pkey'::regclass`
  expect(stored).toEqual([{ reloptions: ['deduplicate_items=off'] }])
  expect(await createJobMaster({ db, tasks: { cool } }).plan()).toMatchObject({ upToDate: true })
})

test('how an operator has an index stored is no difference to a deploy', async () => {
  const { db, sql, url } = await openDatabase()
  await (await anApplication()).push(url)
  await sql`alter index jobmaster.jobs_waiting_idx set (fillfactor = 70)`
  const jobs = createJobMaster({ db, tasks: { cool } })
  await jobs.deploy()
  expect(await jobs.plan()).toMatchObject({ upToDate: true })
  const stored = await sql`select reloptions from pg_class where oid = 'jobmaster.jobs_waiting_idx'::regclass`
  expect(stored).toEqual([{ reloptions: ['fillfactor=70'] }])
})

test('of many first invocations at once, one adds them, and all go on', async () => {
  const { db, sql, url } = await openDatabase()
  await (await anApplication()).push(url)
  await sql`create table deployments (at timestamptz default clock_timestamp())`
  await sql(`
    create function noted() returns trigger language plpgsql as $fn$
      begin insert into public.deployments default values; return null; end $fn$;
    create trigger noted after insert or update on jobmaster.meta for each row execute function noted()`)
  const invocations = Array.from({ length: 8 }, (_, a) =>
    createJobMaster({ db, tasks: { cool } }).insert(cool.foo, { a }),
  )
  const inserted = await Promise.all(invocations)
  expect(new Set(inserted.map(({ id }) => id)).size).toBe(8)
  expect(await sql`select count(*) from deployments`).toEqual([{ count: 1 }])
  expect(await createJobMaster({ db, tasks: { cool } }).runUntilEmpty(soon())).toMatchObject({ completed: 8 })
})

test('a role that may not deploy is told what to run', async () => {
  const { sql, url } = await openDatabase()
  await (await anApplication()).push(url)
  const { db } = await asGuest(sql, url)
  const refused = await createJobMaster({ db, tasks: { cool } })
    .runUntilEmpty(soon())
    .catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'JM010', message: expect.stringContaining('run `jobmaster deploy`') })
})

test('`npm run deploy` makes the tables of the example and of JobMaster, and the second time finds nothing to do', async () => {
  const { sql, url } = await openDatabase()
  expect(await deploy(url, '--plan')).toContain('Would be added: flights.load')
  expect(await sql`select nspname from pg_namespace where nspname = 'jobmaster'`).toEqual([])
  const first = await deploy(url)
  expect(first).toContain('Was added: flights.load, flights.region, reports.climate')
  expect(await sql`select count(*) from jobmaster.tasks`).toEqual([{ count: 6 }])
  expect(await sql`select * from reports.climates`).toEqual([])
  expect(await deploy(url)).toContain('Nothing to deploy: 6 tasks are as the code says.')
  const password = new URL(url).password
  if (password) expect(first).not.toContain(password)
})

test('`npm run deploy` without a database names the variable', async () => {
  await expect(deploy('')).rejects.toThrow('DATABASE_URL is not set')
})

type Jobs = ReturnType<typeof createJobMaster>

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A folder with an application's own schema and drizzle config, which takes in `jobmaster/schema`, as the README says. */
async function anApplication() {
  const folder = await mkdtemp(join(tmpdir(), 'jobmaster-application-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(
    join(folder, 'schema.ts'),
    `import { integer, pgTable, text } from 'drizzle-orm/pg-core'
    export const customers = pgTable('customers', { id: integer().primaryKey(), city: text().notNull() })`,
  )
  await writeFile(
    join(folder, 'drizzle.config.ts'),
    `import { defineConfig } from 'drizzle-kit'
    export default defineConfig({
      dialect: 'postgresql',
      schema: ['./schema.ts', ${JSON.stringify(join(root, 'src/schema.ts'))}],
      schemaFilter: ['public', 'jobmaster'],
      dbCredentials: { url: process.env.DATABASE_URL ?? '' },
    })`,
  )
  /** It exits 0 on an SQL error, so what it says is looked at. */
  const push = async (url: string) => {
    const kit = join(root, 'node_modules/drizzle-kit/bin.cjs')
    const output = await run([kit, 'push', '--force'], { cwd: folder, DATABASE_URL: url })
    if (/error/i.test(output)) throw new Error(output)
    return output
  }
  return { push }
}

/** Connected as a role that may read and write the tables, and make nothing. */
async function asGuest(sql: Sql, url: string) {
  const role = `guest_${randomBytes(6).toString('hex')}`
  await sql(`create role ${role} login password 'guest'`)
  await sql(`grant usage on schema jobmaster to ${role}`)
  await sql(`grant select, insert, update, delete on all tables in schema jobmaster to ${role}`)
  const guest = new URL(url)
  guest.username = role
  guest.password = 'guest'
  const connection = await connect('node-postgres', guest.href)
  onTestFinished(async () => {
    await connection.close()
    await sql(`drop owned by ${role}; drop role ${role}`)
  })
  return connection
}

function deploy(url: string, ...flags: string[]): Promise<string> {
  return run(['--conditions=jobmaster-source', 'functions/deploy.ts', ...flags], { cwd: root, DATABASE_URL: url })
}

async function run(args: string[], { cwd, DATABASE_URL }: { cwd: string; DATABASE_URL: string }): Promise<string> {
  const env = { ...process.env, DATABASE_URL }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd, env })
  return stdout + stderr
}
