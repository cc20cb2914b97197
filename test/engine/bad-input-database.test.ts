import * as v from 'valibot'
import { createJobMaster, task } from 'jobmaster'
import { expect, onTestFinished, test } from 'vitest'
import { around } from '../support/around.ts'
import { deadlineIn } from '../support/deadline.ts'
import { connect, driver } from '../support/drivers.ts'
import { setup } from '../support/jobs.ts'

// A database that is not deployed, was deployed by a newer version, or cannot be reached.

const foo = task({ params: { a: v.number() }, run: ({ a }) => a })
const things = { foo }

type Jobs = Awaited<ReturnType<typeof setup>>['jobs']
const calls: [name: string, call: (jobs: Jobs) => Promise<unknown>][] = [
  ['insert', (jobs) => jobs.insert(foo, { a: 1 })],
  ['insertMany', (jobs) => jobs.insertMany([{ task: foo, args: { a: 1 } }])],
  ['runUntilEmpty', (jobs) => jobs.runUntilEmpty(deadlineIn(2_000))],
  ['get', (jobs) => jobs.get(1)],
  ['list', (jobs) => jobs.list()],
  ['status', (jobs) => jobs.status()],
  ['explain', (jobs) => jobs.explain(1)],
  ['retry', (jobs) => jobs.retry(1)],
  ['cancel', (jobs) => jobs.cancel(1)],
  ['prune', (jobs) => jobs.prune({ completed: '1 day' })],
]

test('every call to a database that is not deployed says so, naming the schema and `jobmaster deploy`', async () => {
  const { jobs, sql } = await setup({ things }, { deploy: false, schema: 'job_mistress' })
  for (const [name, call] of calls) {
    await expect(call(jobs), name).rejects.toMatchObject({
      name: 'JobMasterError',
      code: 'JM010',
      message: expect.stringMatching(
        /^JobMaster is not deployed in schema "job_mistress" of this database: run `jobmaster deploy`/,
      ),
    })
  }
  expect(await sql`select 1 from pg_namespace where nspname in ('job_mistress', 'jobmaster')`).toEqual([])
})

test('plan needs no deploy: it says what one would make', async () => {
  const { jobs } = await setup({ things }, { deploy: false })
  expect(await jobs.plan()).toMatchObject({
    upToDate: false,
    functions: true,
    tasks: { added: ['things.foo'] },
    problems: [],
  })
})

test('a schema that is somebody else’s is neither deployed to as if it were ours, nor dropped by a reset', async () => {
  const { jobs, sql } = await setup({ things }, { deploy: false, schema: 'crm' })
  await sql(`create schema crm; create table crm.jobs (title text); insert into crm.jobs values ('baker')`)
  await expect(jobs.deploy()).rejects.toMatchObject({ code: 'JM014' })
  await expect(jobs.deploy({ reset: true })).rejects.toMatchObject({
    code: 'JM014',
    message: expect.stringContaining('schema crm has tables'),
  })
  await expect(jobs.insert(foo, { a: 1 })).rejects.toMatchObject({ name: 'JobMasterError' })
  expect(await sql`select title from crm.jobs`).toEqual([{ title: 'baker' }])
})

test('deploy refuses a database that a newer version deployed, naming its migration, and changes nothing', async () => {
  const { jobs, sql, database } = await setup({ things })
  await sql`insert into jobmaster.migrations (name, hash, applied_at) values ('9999_later', 'x', now())`
  const other = await setup({ things: { foo, bar: task({ params: {}, run: () => {} }) } }, { database, deploy: false })
  const refusal = {
    code: 'JM014',
    message: expect.stringMatching(
      /schema jobmaster was deployed by a newer jobmaster, which made the migration 9999_later: update the package/,
    ),
  }
  await expect(jobs.deploy()).rejects.toMatchObject(refusal)
  await expect(other.jobs.deploy()).rejects.toMatchObject(refusal)
  expect((await other.jobs.plan()).problems).toEqual([refusal.message])
  expect(await sql`select task_key from jobmaster.tasks`).toEqual([{ task_key: 'foo' }])
})

test('what a newer version deployed is still served: jobs are inserted, and run', async () => {
  const { jobs, sql } = await setup({ things })
  await sql`insert into jobmaster.migrations (name, hash, applied_at) values ('9999_later', 'x', now())`
  await jobs.insert(foo, { a: 1 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
})

test('a reset makes a database that a newer version deployed this version’s, its jobs lost as a reset says', async () => {
  const { jobs, sql } = await setup({ things })
  await sql`insert into jobmaster.migrations (name, hash, applied_at) values ('9999_later', 'x', now())`
  await jobs.deploy({ reset: true })
  expect((await jobs.deploy()).upToDate).toBe(true)
})

// An embedded database is in the process: there is no way to it that could fail.
if (driver !== 'pglite')
  test('a database that cannot be reached is said to be so by every call, with the cause', async () => {
    if (driver === 'pglite') return
    const { db, close } = await connect(driver, 'postgres://nobody:secret-word@127.0.0.1:1/nowhere')
    onTestFinished(close)
    const jobs = createJobMaster({ db, tasks: { things } })
    const others: typeof calls = [
      ['deploy', () => jobs.deploy()],
      ['plan', () => jobs.plan()],
    ]
    for (const [name, call] of [...calls, ...others]) {
      const error = await call(jobs).catch((thrown: unknown) => thrown)
      expect(error, name).toMatchObject({
        name: 'JobMasterError',
        // Nothing listens there; Neon, which is there for everybody, does not know the user.
        code: expect.stringMatching(/^(08|28P01)/),
        message: expect.stringMatching(/^the database cannot be reached: ./),
        cause: expect.any(Error),
      })
      expect(String(error), name).not.toContain('secret-word')
    }
  })

test('a database that is lost while jobs run loses none of them: the drain says so, and they run again after their lease', async () => {
  const { database, clock, sql } = await setup({ things: { foo } })
  let lost = false
  const broken = around(database, async (execute) => {
    if (lost) throw Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' })
    return execute()
  })
  const losing = task({ params: { a: v.number() }, run: () => void (lost = true) })
  const { jobs } = await setup({ things: { foo: losing } }, { database: broken })
  await jobs.insertMany([
    { task: losing, args: { a: 1 } },
    { task: losing, args: { a: 2 } },
  ])
  await expect(jobs.runUntilEmpty(deadlineIn(2_000))).rejects.toMatchObject({
    code: '08001',
    message: 'the database cannot be reached: connection refused',
  })
  lost = false
  expect(await sql`select status from jobmaster.jobs`).toEqual([{ status: 'running' }, { status: 'running' }])
  await clock.advance({ minutes: 2 })
  const again = await setup({ things: { foo: losing } }, { database, deploy: false })
  expect((await again.jobs.runUntilEmpty(deadlineIn())).completed).toBe(2)
})

test.each([undefined, null, 'postgres://…', {}, { query: () => {} }])(
  'createJobMaster refuses what is no Drizzle database: %j',
  (db) => {
    expect(() => createJobMaster({ db })).toThrow(
      'createJobMaster: db must be a Drizzle database for Postgres, as drizzle(…) makes it',
    )
  },
)
