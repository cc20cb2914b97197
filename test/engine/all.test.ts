import { dependsOn, same, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

/** A task with two write-all params, which notes its arguments. */
function pairs() {
  const ran: object[] = []
  const pair = task({
    params: { a: v.picklist(['x', 'y']), b: v.picklist([1, 2, 3]), c: v.optional(v.string(), 'rest') },
    writeAll: ['a', 'b'],
    run(args) {
      ran.push(args)
    },
  })
  return { ran, pair, cool: { pair } }
}

/** So many options; for the types they are two, since so many literals cannot be written. */
function numbers(count: number) {
  return Array.from({ length: count }, (_, index) => index) as unknown as readonly [0, 1]
}

test('a job with ALL becomes one job for each option, and is expanded itself', async () => {
  const { ran, pair, cool } = pairs()
  const { jobs } = await setup({ cool })
  const parent = await jobs.insert(pair, { a: 'x', b: 'ALL', c: 'kept' })
  const report = await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(report).toMatchObject({ stopReason: 'empty', completed: 3, expanded: 1 })
  expect(ran).toEqual([1, 2, 3].map((b) => ({ a: 'x', b, c: 'kept' })))
  expect(await jobs.get(parent.id)).toMatchObject({
    status: 'expanded',
    attempt: 0,
    finishedAt: expect.any(Date),
    result: null,
  })
})

test('several write-all params multiply: one job for each combination', async () => {
  const { ran, pair, cool } = pairs()
  const { jobs } = await setup({ cool })
  await jobs.insert(pair, { a: 'ALL', b: 'ALL' })
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  const combinations = ['x', 'y'].flatMap((a) => [1, 2, 3].map((b) => ({ a, b, c: 'rest' })))
  expect(ran).toHaveLength(6)
  expect(ran).toEqual(expect.arrayContaining(combinations))
})

test('the children have the priority of the job they come from, and name it', async () => {
  const { pair, cool } = pairs()
  const { jobs } = await setup({ cool })
  const parent = await jobs.insert(pair, { a: 'x', b: 'ALL' }, { priority: 17 })
  await jobs.runUntilEmpty(deadlineIn())
  const children = (await jobs.list({ status: 'completed' })).jobs
  expect(children.map(({ priority, parentId }) => ({ priority, parentId }))).toEqual(
    [1, 2, 3].map(() => ({ priority: 17, parentId: parent.id })),
  )
})

test('a job with ALL takes its place by its priority, and so do its children', async () => {
  const { ran, pair, cool } = pairs()
  const { jobs } = await setup({ cool })
  await jobs.insert(pair, { a: 'y', b: 1, c: 'before' }, { priority: 5 })
  await jobs.insert(pair, { a: 'x', b: 'ALL' }, { priority: 3 })
  await jobs.insert(pair, { a: 'y', b: 1, c: 'after' }, { priority: 1 })
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(ran.map((args) => ('c' in args ? args.c : ''))).toEqual(['before', 'rest', 'rest', 'rest', 'after'])
})

test('two invocations expand a job with ALL once', async () => {
  const { ran, pair, cool } = pairs()
  const { jobs } = await setup({ cool })
  await jobs.insert(pair, { a: 'ALL', b: 'ALL' })
  await Promise.all([jobs.runUntilEmpty(deadlineIn()), jobs.runUntilEmpty(deadlineIn())])
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toHaveLength(6)
  expect((await jobs.status()).jobs).toMatchObject({ expanded: 1, completed: 6, waiting: 0 })
})

test('the dependencies of a job with ALL are not looked at, those of its children are', async () => {
  const ran: string[] = []
  const load = task({
    params: { b: v.picklist([1, 2, 3]) },
    run({ b }) {
      ran.push(`load ${b}`)
    },
  })
  const report = task({
    params: { b: v.picklist([1, 2, 3]) },
    writeAll: ['b'],
    dependencies: dependsOn(load, { withinHours: 1, args: { b: same } }),
    run({ b }) {
      ran.push(`report ${b}`)
    },
  })
  const { jobs } = await setup({ cool: { load, report } })
  await jobs.insert(report, { b: 'ALL' })
  const done = await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(done).toMatchObject({ completed: 6, expanded: 1, blocked: 3 })
  expect(ran.toSorted()).toEqual(['load 1', 'load 2', 'load 3', 'report 1', 'report 2', 'report 3'])
  expect((await jobs.list({ task: 'cool.load' })).jobs).toHaveLength(3)
})

test('a boolean param has two options', async () => {
  const ran: boolean[] = []
  const flag = task({
    params: { on: v.boolean() },
    writeAll: ['on'],
    run({ on }) {
      ran.push(on)
    },
  })
  const { jobs } = await setup({ cool: { flag } })
  await jobs.insert(flag, { on: 'ALL' })
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toHaveLength(2)
  expect(new Set(ran)).toEqual(new Set([true, false]))
})

test('a job with ALL that is set for later expands when it is due', async () => {
  const { ran, pair, cool } = pairs()
  const { jobs, clock } = await setup({ cool })
  const parent = await jobs.insert(pair, { a: 'x', b: 'ALL' }, { runAt: new Date(Date.now() + 3_600_000) })
  expect((await jobs.runUntilEmpty(deadlineIn())).expanded).toBe(0)
  await clock.advance({ hours: 2 })
  expect((await jobs.runUntilEmpty(deadlineIn())).expanded).toBe(1)
  expect(ran).toHaveLength(3)
  expect((await jobs.get(parent.id))?.status).toBe('expanded')
})

test('more than 10,000 combinations are refused at insert, and nothing is inserted', async () => {
  const options = numbers(101)
  const grid = task({
    params: { x: v.picklist(options), y: v.picklist(options), z: v.optional(v.picklist([1, 2]), 1) },
    writeAll: ['x', 'y', 'z'],
    run() {},
  })
  const { jobs } = await setup({ cool: { grid } })
  await expect(jobs.insert(grid, { x: 'ALL', y: 'ALL' })).rejects.toMatchObject({
    code: 'JM009',
    message: expect.stringMatching(/^cool\.grid: .*10[,.]?201/),
  })
  expect((await jobs.list()).jobs).toEqual([])
  expect((await jobs.insert(grid, { x: 'ALL', y: 1, z: 'ALL' })).status).toBe('waiting')
})

test('a job with 10,000 combinations becomes 10,000 jobs', async () => {
  const options = numbers(100)
  const grid = task({ params: { x: v.picklist(options), y: v.picklist(options) }, writeAll: ['x', 'y'], run() {} })
  const { jobs } = await setup({ cool: { grid } })
  await jobs.insert(grid, { x: 'ALL', y: 'ALL' })
  const report = await jobs.runUntilEmpty(deadlineIn(18_000), { statementBudget: 3 })
  expect(report).toMatchObject({ expanded: 1, stopReason: 'budget' })
  const { jobs: counts } = await jobs.status()
  expect(counts.completed + counts.waiting).toBe(10_000)
})
