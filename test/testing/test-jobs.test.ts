import { sql } from 'drizzle-orm'
import { type Context, dependsOn, same, task } from 'jobmaster'
import { testJobs } from 'jobmaster/testing'
import * as v from 'valibot'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

const foo = task({
  params: { region: v.picklist(['east', 'west']) },
  writeAll: ['region'],
  run: ({ region }) => ({ loaded: region }),
})
const bar = task({
  params: { region: v.picklist(['east', 'west']), options: v.optional(v.object({ deep: v.array(v.number()) })) },
  dependencies: dependsOn(foo, { withinHours: 2, args: { region: same } }),
  run: (_, ctx) => ctx.dependencies.of(foo)[0]?.result ?? null,
})
const welcome = task({
  params: { email: v.string() },
  async run({ email }, ctx: Context) {
    await ctx.insert(bar, { region: email.endsWith('.us') ? 'west' : 'east' })
  },
})
const modules = { cool: { foo, bar, welcome } }

let kit: Awaited<ReturnType<typeof testJobs>>
beforeAll(async () => {
  kit = await testJobs(modules)
})
beforeEach(() => kit.reset())
afterAll(() => kit.close())

test('a test has a database in one line, inserts jobs and drains them', async () => {
  const { id } = await kit.jobs.insert(foo, { region: 'east' })
  expect(await kit.drain()).toMatchObject({ stopReason: 'empty', completed: 1 })
  expect(await kit.jobs.get(id)).toMatchObject({ status: 'completed', result: { loaded: 'east' } })
})

test('time that passes makes a dependency stale', async () => {
  await kit.jobs.insert(bar, { region: 'east' })
  expect((await kit.drain()).jobs.map((job) => job.task)).toEqual(['cool.foo', 'cool.bar'])
  await kit.advance({ hours: 1, minutes: 59 })
  await kit.jobs.insert(bar, { region: 'east' })
  expect((await kit.drain()).jobs.map((job) => job.task)).toEqual(['cool.bar'])
  await kit.advance({ minutes: 2 })
  await kit.jobs.insert(bar, { region: 'east' })
  expect((await kit.drain()).jobs.map((job) => job.task)).toEqual(['cool.foo', 'cool.bar'])
})

test('time that passes makes a job due, and the database says what time it is', async () => {
  const before = await kit.now()
  await kit.jobs.insert(foo, { region: 'east' }, { runAt: new Date(before.getTime() + 86_400_000) })
  expect(await kit.drain()).toMatchObject({ completed: 0 })
  await kit.advance({ days: 1, seconds: 1 })
  expect((await kit.now()).getTime() - before.getTime()).toBeGreaterThanOrEqual(86_401_000)
  expect(await kit.drain()).toMatchObject({ completed: 1 })
})

test('what was enqueued is asserted by task and by some of its arguments', async () => {
  const { id } = await kit.jobs.insert(bar, { region: 'east', options: { deep: [1, 2] } }, { priority: 3 })
  expect(await kit.assertEnqueued(bar)).toMatchObject({ id, priority: 3 })
  expect(await kit.assertEnqueued('cool.bar', { region: 'east' })).toMatchObject({ id })
  expect(await kit.assertEnqueued(bar, { options: { deep: [1, 2] } })).toMatchObject({ id })
  await kit.assertNotEnqueued(bar, { options: { deep: [1] } })
  await kit.assertNotEnqueued(bar, { region: 'west' })
  await kit.assertNotEnqueued(foo)
  expect(await kit.enqueued()).toHaveLength(1)
})

test('what is not enqueued, and should be, is said with what is', async () => {
  await kit.jobs.insert(welcome, { email: 'a@b.us' })
  await expect(kit.assertEnqueued(bar, { region: 'west' })).rejects.toThrow(
    'expected cool.bar with {"region":"west"} to be enqueued; enqueued are cool.welcome #1 {"email":"a@b.us"} (waiting)',
  )
  await expect(kit.assertNotEnqueued(welcome)).rejects.toThrow(
    'expected no cool.welcome to be enqueued; there is cool.welcome #1 {"email":"a@b.us"} (waiting)',
  )
})

test('a job that has finished is enqueued no more', async () => {
  await kit.jobs.insert(foo, { region: 'ALL' })
  await kit.drain()
  await kit.assertNotEnqueued(foo)
})

test('a reset leaves no job, nothing fresh, the real time, and the application’s tables', async () => {
  await kit.db.execute(sql`create table if not exists mine (a integer)`)
  await kit.jobs.insert(foo, { region: 'east' })
  await kit.drain()
  await kit.advance({ days: 400 })
  await kit.reset()
  expect(await kit.jobs.list()).toEqual({ jobs: [], cursor: null })
  expect(Math.abs((await kit.now()).getTime() - Date.now())).toBeLessThan(60_000)
  await kit.jobs.insert(bar, { region: 'east' })
  expect(await kit.drain()).toMatchObject({ completed: 2 })
  expect((await kit.db.execute(sql`select * from mine`)).rows).toEqual([])
})

test('a task that the kit was not given is refused by name', async () => {
  await expect(kit.assertEnqueued('cool.baz')).rejects.toThrow(
    'unknown task cool.baz: testJobs was given cool.bar, cool.foo, cool.welcome',
  )
})

test('time does not go back', async () => {
  await expect(kit.advance({ hours: -1 })).rejects.toThrow('advance: takes days, hours')
  await expect(kit.advance({ hour: 1 } as object)).rejects.toThrow('got {"hour":1}')
})

test('tasks that cannot be deployed are refused, with every problem', async () => {
  const broken = task({ params: {}, dependencies: dependsOn('no.such'), run: () => {} })
  await expect(testJobs({ cool: { broken } })).rejects.toMatchObject({ code: 'JM014' })
})
