import { sql as statement } from 'drizzle-orm'
import * as v from 'valibot'
import { dependsOn, task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { driver } from '../support/drivers.ts'
import { setup } from '../support/jobs.ts'
import type { Sql } from '../support/sql.ts'

// A schema name either works entirely, whatever is in it, or is refused with a reason.

const source = task({ params: { b: v.picklist([1, 2]) }, writeAll: ['b'], run: ({ b }) => b })
const report = task({
  params: {},
  dependencies: dependsOn(source, { withinHours: 1, args: { b: 'ALL' } }),
  run: (_, ctx) => ctx.dependencies.of(source).map(({ result }) => result),
})
const commits = task({ params: {}, run: (_, ctx) => ctx.commit(statement`select 1`) })
const fails = task({
  params: {},
  maxAttempts: 1,
  run() {
    throw new Error('it does not work')
  },
})
const cool = { source, report, commits, fails }
type Jobs = Awaited<ReturnType<typeof setup>>['jobs']

const hostile = [`we"ird'; drop schema public; --`, 'a$fn$b', '$1 %s %I \\ ?', 'Ünï cödé']
const others = [
  'job_mistress',
  'UPPER',
  'select',
  'with space',
  'jobmaster.dev',
  "'jobmaster'",
  '"jobmaster".jobs',
  '$fn$ $fn_$',
  '/* -- */',
  'line\nend',
  '日本語🚀',
  'x'.repeat(63),
]

// A driver only carries the text: over one of them all names are tried, over the rest the worst.
test.each(driver === 'node-postgres' ? [...hostile, ...others] : hostile)(
  'the schema name %j works entirely',
  async (schema) => {
    const { jobs, sql } = await setup({ cool }, { schema })
    const before = await schemas(sql)
    const quoted = `"${schema.replaceAll('"', '""')}"`

    await sql(`call ${quoted}.insert_job('cool', 'report', 10, '{}'::json)`)
    await jobs.insert(source, { b: 'ALL' }, { runAt: new Date(Date.now() + 3_600_000) })
    expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 3, blocked: 1, stopReason: 'empty' })
    expect((await jobs.get(1))?.result).toEqual([1, 2])
    expect(await jobs.explain(2)).toMatch(/^cool\.source #2 is scheduled\nnot due: /)
    expect(await sql(`select why_not from ${quoted}.queue`)).toEqual([{ why_not: 'not due yet' }])
    expect((await jobs.cancel(2)).status).toBe('cancelled')
    expect((await jobs.retry(2)).status).toBe('waiting')
    expect((await jobs.status()).jobs).toMatchObject({ completed: 3, waiting: 1 })
    await asEveryVerb(jobs)
    expect(await jobs.prune({ completed: '0 seconds' })).toBe(4)

    expect((await jobs.deploy()).upToDate).toBe(true)
    expect(await jobs.plan()).toMatchObject({ schema, upToDate: true, problems: [] })
    await jobs.deploy({ reset: true })
    expect((await jobs.list()).jobs).toEqual([])
    expect(await schemas(sql)).toEqual(before)
    expect(before).toEqual(['public', schema].toSorted())
  },
)

test.each([
  ['', /the name must be a text that is not empty/],
  ['public', /schema "public": it is not JobMaster's own; use a schema of its own, such as "jobmaster"/],
  ['information_schema', /it is not JobMaster's own/],
  ['pg_catalog', /it is not JobMaster's own/],
  ['pg_x', /it is not JobMaster's own/],
  ['x'.repeat(64), /Postgres cuts a name after 63 bytes; use a shorter one/],
  ['é'.repeat(32), /Postgres cuts a name after 63 bytes; use a shorter one/],
  ['a\u0000b', /Postgres takes no such character in a name/],
  ['a\ud83db', /Postgres takes no such character in a name/],
  [7 as unknown as string, /the name must be a text that is not empty/],
])('the schema name %j is refused, with the reason, and nothing is made', async (schema, reason) => {
  const { jobs, sql } = await setup({ cool }, { schema, deploy: false })
  const before = await schemas(sql)
  for (const reset of [false, true]) {
    await expect(jobs.deploy({ reset })).rejects.toMatchObject({
      code: 'JM014',
      message: expect.stringMatching(reason),
    })
  }
  expect((await jobs.plan()).problems).toEqual([expect.stringMatching(reason)])
  await expect(jobs.insert(report, {})).rejects.toMatchObject({ name: 'JobMasterError' })
  expect(await schemas(sql)).toEqual(before)
  expect(await sql`select tablename from pg_tables where schemaname = 'public'`).toEqual([])
})

test('a name that Postgres would fold to another stays as it is: "Jobs" and "jobs" are two schemas', async () => {
  const upper = await setup({ cool }, { schema: 'Jobs' })
  const lower = await setup({ cool }, { schema: 'jobs', database: upper.database })
  await upper.jobs.insert(source, { b: 1 })
  expect((await lower.jobs.runUntilEmpty(deadlineIn())).completed).toBe(0)
  expect((await upper.jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
})

/** What has statements of its own, and is not asked above. */
async function asEveryVerb(jobs: Jobs): Promise<void> {
  const now = new Date()
  expect((await jobs.change(2, { priority: 7 })).priority).toBe(7)
  await jobs.pause({ task: 'cool.source' })
  await jobs.pause({ system: 'default' })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ stopReason: 'paused' })
  await jobs.resume({ task: 'cool.source' })
  await jobs.resume({ system: 'default' })
  expect(await jobs.cancel({ task: 'cool.source' })).toEqual({ jobs: 1, more: false })
  expect(await jobs.retry({ status: 'cancelled' })).toEqual({ jobs: 1, more: false })
  expect(await jobs.delete({ status: 'waiting' })).toEqual({ jobs: 1, more: false })
  const [committed, failing] = await jobs.insertMany([
    { task: commits, args: {} },
    { task: fails, args: {} },
  ])
  expect(await jobs.room(10)).toBe(2)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, failed: 1 })
  expect((await jobs.get(committed!.id))?.status).toBe('completed')
  expect(await jobs.attempts(failing!.id)).toMatchObject([{ outcome: 'failed' }])
  expect(await jobs.recordSignature('a', now)).toBe('recorded')
  expect(await jobs.recordSignature('a', now)).toBe('replayed')
  expect((await jobs.tasks()).map((deployed) => deployed.task)).toContain('cool.commits')
  expect((await jobs.graph()).tasks).toHaveLength(4)
  expect(await jobs.metrics()).toContain('cool.fails')
}

async function schemas(sql: Sql): Promise<string[]> {
  const rows = await sql`
    select nspname as name from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'`
  return rows.map(({ name }) => name).toSorted()
}
