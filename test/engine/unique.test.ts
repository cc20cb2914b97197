import { createJobMaster, dependsOn, type InsertedJob, type JobOptions, schedule, task } from 'jobmaster'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { driver } from '../support/drivers.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'
import { setupOnTheHour, toNextHour } from '../support/on-the-hour.ts'

const params = { n: v.optional(v.number(), 0), text: v.optional(v.string(), '') }
const sync = task({ params, run: ({ n, text }) => ({ n, text }) })
const other = task({ params, run() {} })
const cool = { sync, other }
const said = ({ id, existing }: InsertedJob) => [id, existing === true]

test('a job that is unique while it waits is inserted once until it starts', async () => {
  const gate = new Gate()
  const step = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ cool: { step } })
  const options: JobOptions = { unique: 'waiting' }
  const first = await jobs.insert(step, {}, options)
  expect(first.existing).toBeUndefined()
  expect(await jobs.insert(step, {}, options)).toEqual({ ...first, existing: true })
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  const second = await jobs.insert(step, {}, options)
  expect(said(second)).toEqual([first.id + 1, false])
  gate.open()
  await drained
})

test('a job that is unique while it is active is inserted once until it has finished', async () => {
  const gate = new Gate()
  const step = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ cool: { step } })
  const options: JobOptions = { unique: 'active' }
  const { id } = await jobs.insert(step, {}, options)
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  const running = await jobs.insert(step, {}, options)
  expect(running).toMatchObject({ id, existing: true, status: 'running', attempt: 1, system: 'default' })
  expect(running.startedAt).toBeInstanceOf(Date)
  gate.open()
  await drained
  expect(said(await jobs.insert(step, {}, options))).toEqual([id + 1, false])
})

test('a job that is unique within a time is inserted once in it, whatever becomes of it', async () => {
  const { jobs, clock } = await setup({ cool })
  const options: JobOptions = { unique: { withinSeconds: 3_600 } }
  const { id } = await jobs.insert(sync, {}, options)
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ minutes: 59 })
  const done = await jobs.insert(sync, {}, options)
  expect(done).toMatchObject({ id, existing: true, status: 'completed', attempt: 1 })
  expect((await jobs.get(id))?.result).toEqual({ n: 0, text: '' })
  await clock.advance({ minutes: 2 })
  expect(said(await jobs.insert(sync, {}, options))).toEqual([id + 1, false])
})

test('without a key, jobs are the same by their arguments, with the defaults of those not given', async () => {
  const { jobs } = await setup({ cool })
  const { id } = await jobs.insert(sync, { n: 1 }, { unique: 'active' })
  expect(said(await jobs.insert(sync, { text: '', n: 1.0 }, { unique: 'active' }))).toEqual([id, true])
  expect(said(await jobs.insert(sync, { n: 2 }, { unique: 'active' }))).toEqual([id + 1, false])
  expect(said(await jobs.insert(other, { n: 1 }, { unique: 'active' }))).toEqual([id + 2, false])
})

test('with a key, jobs of a task are the same by it alone, while they are active when nothing else is said', async () => {
  const { jobs } = await setup({ cool })
  const { id } = await jobs.insert(sync, { n: 1 }, { uniqueKey: 'a' })
  const again = await jobs.insert(sync, { n: 2 }, { uniqueKey: 'a', priority: 5 })
  expect(again).toMatchObject({ id, existing: true, args: { n: 1 }, priority: 0 })
  expect(said(await jobs.insert(sync, { n: 1 }, { uniqueKey: 'b' }))).toEqual([id + 1, false])
  expect(said(await jobs.insert(other, { n: 1 }, { uniqueKey: 'a' }))).toEqual([id + 2, false])
  expect((await jobs.insert(sync, { n: 1 })).existing).toBeUndefined()
})

test("a task's jobs are unique by its own rule, which an insert may change, whoever inserts them", async () => {
  const rule = task({ params, unique: 'active', uniqueKey: 'n', run() {} })
  const { jobs, database, sql } = await setup({ cool: { rule } })
  const { id } = await jobs.insert(rule, { n: 1, text: 'x' })
  expect(said(await jobs.insert(rule, { n: 1, text: 'y' }))).toEqual([id, true])
  expect(await sql`select jobmaster.enqueue('cool', 'rule', '{"n": 1}') as id`).toEqual([{ id }])
  const withoutCode = createJobMaster({ db: database.db })
  expect(said(await withoutCode.insert('cool.rule', { n: 1 }))).toEqual([id, true])
  expect((await jobs.insert(rule, { n: 2 })).existing).toBeUndefined()
  expect((await jobs.insert(rule, { n: 1 }, { uniqueKey: 'k' })).existing).toBeUndefined()
  await jobs.runUntilEmpty(deadlineIn())
  expect(said(await jobs.insert(rule, { n: 1 }, { unique: { withinSeconds: 60 } }))).toEqual([id, true])
})

test('a task that loses its rule by a deploy has jobs like any other', async () => {
  const before = task({ params, unique: 'active', run() {} })
  const { jobs, database } = await setup({ cool: { sync: before } })
  await jobs.insert(before, {})
  const after = createJobMaster({ db: database.db, tasks: { cool } })
  expect((await after.plan()).tasks.changed).toMatchObject([{ task: 'cool.sync', what: ['unique_rule'] }])
  await after.deploy()
  expect((await after.insert(sync, {})).existing).toBeUndefined()
})

test('jobs that are the same in one insertMany are one, in one statement, among others', async () => {
  const { jobs, statements } = await setup({ cool })
  const [held] = await jobs.insertMany([{ task: sync, args: { n: 7 }, uniqueKey: 'held' }])
  statements.reset()
  const inserted = await jobs.insertMany([
    { task: sync, args: { n: 1 }, uniqueKey: 'a' },
    { task: other, args: {} },
    { task: sync, args: { n: 2 }, uniqueKey: 'a' },
    { task: sync, args: { n: 3 }, uniqueKey: 'held' },
    { task: other, args: {} },
  ])
  expect(statements.count).toBe(1)
  const id = held!.id
  expect(inserted.map(said)).toEqual([
    [id + 1, false],
    [id + 2, false],
    [id + 1, true],
    [id, true],
    [id + 3, false],
  ])
})

test('a bad job among unique ones is refused by its own name, and nothing is inserted', async () => {
  const { jobs } = await setup({ cool })
  const bad = { task: 'cool.sync', args: { n: 'x' }, uniqueKey: 'b' }
  await expect(jobs.insertMany([{ task: 'cool.sync', args: {}, uniqueKey: 'a' }, bad])).rejects.toMatchObject({
    code: 'JM004',
    message: expect.stringMatching(/^cool.sync: "n" must be a number, got /),
  })
  await expect(
    jobs.insertMany([
      { task: 'cool.sync', args: {}, uniqueKey: 'a' },
      { task: 'cool.none', args: {} },
    ]),
  ).rejects.toMatchObject({ code: 'JM001' })
  expect((await jobs.list()).jobs).toEqual([])
  expect((await jobs.insert(sync, {}, { uniqueKey: 'a' })).existing).toBeUndefined()
})

test('insertQuery and SQL insert a unique job once', async () => {
  const { jobs, db, sql } = await setup({ cool })
  const { id } = await jobs.insert(sync, {}, { uniqueKey: 'a' })
  await db.execute(jobs.insertQuery(sync, {}, { uniqueKey: 'a' }))
  const enqueued = async (text: string) => (await sql<{ id: number }>(`select jobmaster.enqueue(${text}) as id`))[0]?.id
  expect(await enqueued(`'cool', 'sync', '{"n": 5}', unique_key => 'a'`)).toBe(id)
  expect(await enqueued(`'cool', 'sync', '{"n": 5}'::json, unique_key => 'a', unique_while => 'waiting'`)).toBe(id)
  expect(await enqueued(`'cool', 'sync', '{"n": 5}'::jsonb, unique_key => 'a', within_seconds => 60`)).toBe(id)
  expect(await enqueued(`'cool', 'sync', unique_key => 'b'`)).toBe(id + 1)
  const [row] = await sql`select jobmaster.insert_jobs('[{"task": "cool.sync", "unique_key": "a"}]') as answer`
  expect(row?.answer).toMatchObject({ ids: [id], jobs: { 0: { id, existing: true } } })
  expect((await jobs.list()).jobs).toHaveLength(2)
})

test('a key whose job was deleted brings a new one', async () => {
  const { jobs, sql } = await setup({ cool })
  const options: JobOptions = { uniqueKey: 'a', unique: { withinSeconds: 3_600 } }
  const { id } = await jobs.insert(sync, {}, options)
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.delete(id)
  expect(await sql`select * from jobmaster.unique_keys`).toEqual([])
  expect(said(await jobs.insert(sync, {}, options))).toEqual([id + 1, false])
})

test('a schedule of a task whose jobs are unique adds none to one that is not finished', async () => {
  const load = task({ params: {}, unique: 'active', run() {} })
  const hourly = schedule(load, {}, { cron: '0 * * * *' })
  const { jobs, clock } = await setupOnTheHour({ cool: { load, hourly } })
  const { id } = await jobs.insert(load, {}, { runAt: new Date(Date.now() + 864_000_000) })
  await toNextHour(clock)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0 })
  expect((await jobs.list()).jobs).toHaveLength(1)
  expect(await jobs.schedules()).toMatchObject([{ lastJobId: id }])
})

describe('debounceSeconds', () => {
  const options: JobOptions = { uniqueKey: 'a', debounceSeconds: 60 }

  test('puts a job off at each insert, and it runs once, with the arguments of the last', async () => {
    const { jobs, clock } = await setup({ cool })
    const first = await jobs.insert(sync, { text: 'one' }, options)
    expect(first).toMatchObject({ status: 'scheduled' })
    expect(first.runAt.getTime() - first.createdAt.getTime()).toBeGreaterThanOrEqual(59_900)
    await clock.advance({ seconds: 50 })
    const second = await jobs.insert(sync, { text: 'two' }, options)
    expect(second).toMatchObject({ id: first.id, existing: true, args: { n: 0, text: 'two' } })
    await clock.advance({ seconds: 50 })
    expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0 })
    await clock.advance({ seconds: 11 })
    expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
    expect((await jobs.get(first.id))?.result).toEqual({ n: 0, text: 'two' })
    expect((await jobs.insert(sync, {}, options)).id).toBe(first.id + 1)
  })

  test('puts off one that is due and has not started, and leaves one that runs alone', async () => {
    const gate = new Gate()
    const due = task({ params, debounceSeconds: 60, uniqueKey: 'n', run: () => gate.pass() })
    const { jobs, clock } = await setup({ cool: { due } })
    const { id } = await jobs.insert(due, { text: 'one' })
    await jobs.pause({ task: 'cool.due' })
    await clock.advance({ seconds: 61 })
    await jobs.runUntilEmpty(deadlineIn())
    expect((await jobs.get(id))?.status).toBe('waiting')
    expect(await jobs.insert(due, { text: 'two' })).toMatchObject({ id, status: 'scheduled', existing: true })
    await jobs.resume({ task: 'cool.due' })
    await clock.advance({ seconds: 61 })
    const drained = jobs.runUntilEmpty(deadlineIn())
    await gate.holds(1)
    expect(said(await jobs.insert(due, { text: 'three' }))).toEqual([id + 1, false])
    gate.open()
    await drained
    expect((await jobs.get(id))?.args).toEqual({ n: 0, text: 'two' })
  })

  test('of one that is blocked: what it waited for goes on, and it looks again when it is due', async () => {
    const source = task({ params: { of: v.string() }, run() {} })
    const bar = task({
      params: { of: v.string() },
      dependencies: dependsOn(source, { args: { of: 'a' } }),
      run: ({ of }) => of,
    })
    const { jobs, clock } = await setup({ cool: { source, bar } })
    await jobs.pause({ task: 'cool.source' })
    const { id } = await jobs.insert(bar, { of: 'x' })
    await jobs.runUntilEmpty(deadlineIn())
    expect((await jobs.get(id))?.status).toBe('blocked')
    await jobs.insert(bar, { of: 'x' }, { uniqueKey: 'k', debounceSeconds: 60 })
    const keyed = await jobs.insert(bar, { of: 'y' }, { uniqueKey: 'k', debounceSeconds: 1 })
    await clock.advance({ seconds: 2 })
    await jobs.runUntilEmpty(deadlineIn())
    expect((await jobs.get(keyed.id))?.status).toBe('blocked')
    expect(await jobs.insert(bar, { of: 'z' }, { uniqueKey: 'k', debounceSeconds: 1 })).toMatchObject({
      id: keyed.id,
      status: 'scheduled',
    })
    await jobs.resume({ task: 'cool.source' })
    await clock.advance({ seconds: 2 })
    await jobs.runUntilEmpty(deadlineIn())
    expect(await jobs.get(keyed.id)).toMatchObject({ status: 'completed', result: 'z' })
  })

  test('in one insertMany the last arguments stay', async () => {
    const { jobs } = await setup({ cool })
    const many = ['x', 'y', 'z'].map((text) => ({ task: sync, args: { text }, uniqueKey: 'a', debounceSeconds: 60 }))
    const inserted = await jobs.insertMany(many)
    expect(new Set(inserted.map(({ id }) => id)).size).toBe(1)
    expect((await jobs.get(inserted[0]!.id))?.args).toEqual({ n: 0, text: 'z' })
  })
})

test.each([
  [{ unique: 'sometimes' }, 'cool.sync: unique must be "waiting", "active" or {"withinSeconds": …}, got "sometimes"'],
  [{ unique: { hours: 1 } }, 'cool.sync: unique must be "waiting", "active" or {"withinSeconds": …}, got {"hours": 1}'],
  [{ unique: true }, 'cool.sync: unique must be "waiting", "active" or {"withinSeconds": …}, got true'],
  [{ unique: { withinSeconds: 0 } }, 'cool.sync: withinSeconds must be a number above 0, at most 31536000, got 0'],
  [
    { unique: { withinSeconds: 1e9 } },
    'cool.sync: withinSeconds must be a number above 0, at most 31536000, got 1000000000',
  ],
  [{ unique: { withinSeconds: '1' } }, 'cool.sync: withinSeconds must be a number above 0, at most 31536000, got "1"'],
  [{ uniqueKey: '' }, 'cool.sync: uniqueKey must be a text of 1 to 500 characters, got ""'],
  [
    { uniqueKey: 'x'.repeat(501) },
    `cool.sync: uniqueKey must be a text of 1 to 500 characters, got "${'x'.repeat(98)}…`,
  ],
  [{ uniqueKey: 7 }, 'cool.sync: uniqueKey must be a text of 1 to 500 characters, got 7'],
  [
    { uniqueKey: 'a\u0000' },
    'cool.sync: its options.uniqueKey contains the character \\u0000, which Postgres cannot store: remove it',
  ],
  [{ debounceSeconds: -1 }, 'cool.sync: debounceSeconds must be a number above 0, at most 31536000, got -1'],
  [
    { debounceSeconds: Number.NaN },
    'cool.sync: its options.debounceSeconds is NaN, which JSON does not have: send null or a string',
  ],
  [{ debounceSeconds: '5' }, 'cool.sync: debounceSeconds must be a number above 0, at most 31536000, got "5"'],
  [
    { debounceSeconds: 5, unique: 'active' },
    'cool.sync: debounceSeconds moves a job that waits: it goes with unique "waiting", got "active"',
  ],
  [
    { debounceSeconds: 5, runAt: new Date() },
    'cool.sync: debounceSeconds says when the job may start: give it or a time (runAt), not both',
  ],
])('an insert with %j is refused, naming what is wrong', async (options, message) => {
  const { jobs } = await setup({ cool })
  await expect(jobs.insert(sync, {}, options as JobOptions)).rejects.toMatchObject({ code: 'JM008', message })
  expect((await jobs.list()).jobs).toEqual([])
})

test.runIf(driver !== 'neon-http')(
  'in a transaction a unique job is there when it commits, and not when it fails',
  async () => {
    const { jobs, db } = await setup({ cool })
    const failed = db.transaction(async (tx) => {
      await jobs.insert(sync, {}, { uniqueKey: 'a', tx })
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    const inserted = await db.transaction((tx) => jobs.insert(sync, {}, { uniqueKey: 'a', tx }))
    expect(inserted.existing).toBeUndefined()
    expect(said(await jobs.insert(sync, {}, { uniqueKey: 'a' }))).toEqual([inserted.id, true])
  },
)
