import { PGlite } from '@electric-sql/pglite'
import { pgDump } from '@electric-sql/pglite-tools/pg_dump'
import { createJobMaster, dependsOn, task } from 'jobmaster'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as v from 'valibot'
import type { Clock } from '../support/clock.ts'
import { deadlineIn } from '../support/deadline.ts'
import { overPglite } from '../support/drivers.ts'
import { dumpSchema } from '../support/dump.ts'
import { setup } from '../support/jobs.ts'
import { openDatabase } from '../support/open.ts'
import { type Sql, sqlOverPglite } from '../support/sql.ts'

/** Tasks, and a queue that has a job in every status there is. The first run of `hang` never ends. */
function tasks() {
  let hung = 0
  const runs: string[] = []
  const figures = task({
    params: { b: v.picklist([1, 2]) },
    writeAll: ['b'],
    run: ({ b }) => void runs.push(`figures ${b}`),
  })
  const report = task({
    params: { b: v.picklist([1, 2]) },
    dependencies: dependsOn(figures, { withinHours: 2, args: { b: 1 } }),
    run: () => void runs.push('report'),
  })
  const bad = task({
    params: {},
    maxAttempts: 1,
    run() {
      throw new Error('it does not work')
    },
  })
  const hang = task({ params: {}, run: () => (hung++ === 0 ? new Promise<void>(() => {}) : void runs.push('hang')) })
  const late = task({
    params: {},
    dependencies: dependsOn(hang, { withinHours: 2 }),
    run: () => void runs.push('late'),
  })
  return { runs, cool: { figures, report, bad, hang, late } }
}

type Made = ReturnType<typeof tasks>
type Jobs = Awaited<ReturnType<typeof setup>>['jobs']

const inAnHour = () => new Date(Date.now() + 3_600_000)

async function fill(jobs: Jobs, { cool }: Made) {
  await jobs.insertMany([
    { task: cool.figures, args: { b: 'ALL' } },
    { task: cool.bad, args: {} },
    { task: cool.late, args: {} },
  ])
  const cancelled = await jobs.insert(cool.bad, {}, { runAt: inAnHour() })
  await jobs.cancel(cancelled.id)
  await jobs.runUntilEmpty(deadlineIn(400), { settleMs: 20 })
  await jobs.insert(cool.report, { b: 2 })
  await jobs.insert(cool.figures, { b: 2 }, { runAt: inAnHour() })
}

/** Of every status one, at least: what moves must not be a queue that is easy to move. */
const everything = {
  waiting: 1,
  scheduled: 1,
  blocked: 1,
  running: 1,
  completed: 2,
  failed: 1,
  cancelled: 1,
  expanded: 1,
}

/** Goes on where the other stopped: nothing lost, nothing run again, and what was fresh still is. */
async function goesOn(jobs: Jobs, clock: Clock, { cool, runs }: Made) {
  const before = runs.length
  expect((await jobs.status()).jobs).toMatchObject(everything)
  const newest = (await jobs.list()).jobs[0]!.id
  expect((await jobs.insert(cool.bad, {}, { runAt: inAnHour() })).id).toBeGreaterThan(newest)

  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, skew: [] })
  expect(runs.slice(before)).toEqual(['report'])
  await clock.advance({ minutes: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 2 })
  expect(runs.slice(before)).toEqual(['report', 'hang', 'late'])
  await clock.advance({ hours: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, failed: 1 })
  expect((await jobs.status()).jobs).toMatchObject({ completed: 6, failed: 2, cancelled: 1, expanded: 1 })
}

async function rowsOf(sql: Sql, schema: string) {
  const tables = await sql`
    select table_name as name from information_schema.tables
    where table_schema = ${schema} and table_type = 'BASE TABLE' order by table_name`
  const counted: Record<string, number> = {}
  for (const { name } of tables) {
    const [{ count }] = (await sql(`select count(*)::integer from "${schema}"."${name}"`)) as [{ count: number }]
    counted[name] = count
  }
  return counted
}

test(
  'a schema that pg_dump has written goes on in another database, with every job in its place',
  { timeout: 60_000 },
  async () => {
    const made = tasks()
    const { cool } = made
    const from = await PGlite.create()
    onTestFinished(() => from.close())
    const here = createJobMaster({ db: overPglite(from).db, tasks: { cool } })
    await here.deploy()
    await fill(here, made)
    const dumped = await (await pgDump({ pg: from, args: ['--schema=jobmaster', '--no-owner'] })).text()
    // A server older than the dump's does not know this setting of its session, and psql would go on.
    const dump = dumped.replace('SET transaction_timeout = 0;', '')

    const there = await openDatabase()
    // It empties the search path of the session that it is run in, as psql's would be.
    await there.sql(`${dump}; reset all`)
    expect(await dumpSchema(there.sql, 'jobmaster')).toEqual(await dumpSchema(sqlOverPglite(from), 'jobmaster'))
    expect(await rowsOf(there.sql, 'jobmaster')).toEqual(await rowsOf(sqlOverPglite(from), 'jobmaster'))

    const { jobs, clock } = await setup({ cool }, { database: there, deploy: false })
    expect(await jobs.plan()).toMatchObject({ upToDate: true, problems: [] })
    await goesOn(jobs, clock, made)
  },
)

describe.each([
  ['jobmaster', 'moved'],
  ['jobs', `we"ird'; $fn$ %I`],
  [`we"ird'; $fn$ %I`, 'jobmaster'],
])('a schema renamed from %j to %j', (before, after) => {
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

  async function renamed(made: Made) {
    const { cool } = made
    const from = await setup({ cool }, { schema: before })
    await fill(from.jobs, made)
    await from.sql(`alter schema ${quoted(before)} rename to ${quoted(after)}`)
    return setup({ cool }, { schema: after, database: from.database, deploy: false })
  }

  test('goes on under its new name once it is deployed again, with every job in its place', async () => {
    const made = tasks()
    const { jobs, clock, sql } = await renamed(made)
    expect(await jobs.plan()).toMatchObject({ upToDate: false, functions: true, migrations: [], problems: [] })
    expect(await jobs.deploy()).toMatchObject({ functions: true, migrations: [], tasks: { added: [], changed: [] } })
    expect((await jobs.deploy()).upToDate).toBe(true)
    const bodies = await sql`
      select proname from pg_proc
      where pronamespace = (select oid from pg_namespace where nspname = ${after})
        and position(${`${quoted(before)}.`} in prosrc) > 0`
    expect(bodies).toEqual([])
    await goesOn(jobs, clock, made)
  })

  test('says until then that it has to be deployed', async () => {
    const made = tasks()
    const { jobs } = await renamed(made)
    const refused = { code: 'JM010', message: expect.stringContaining('run `jobmaster deploy`') }
    await expect(jobs.runUntilEmpty(deadlineIn())).rejects.toMatchObject(refused)
    await expect(jobs.insert(made.cool.bad, {})).rejects.toMatchObject(refused)
    expect((await jobs.list()).jobs.length).toBeGreaterThan(7)
  })
})
