import * as v from 'valibot'
import { dependsOn, same, task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

// spec.md, "Dependencies": cool_tasks.

const int = v.pipe(v.number(), v.integer())
const options = v.picklist([1, 2, 3])

/** The module as spec.md has it, and what its functions were called with. */
function coolTasks({ failing = false } = {}) {
  const ran: [task: string, args: object][] = []
  const foo = task({
    typeKey: 'cool_tasks',
    writeAll: ['b'],
    params: { a: int, b: options },
    maxAttempts: 1,
    run(args, ctx) {
      ran.push([ctx.job.task, args])
      if (failing) throw new Error('no foo today')
    },
  })
  const bar = task({
    typeKey: 'cool_tasks',
    writeAll: ['b'],
    dependencies: dependsOn(foo, { withinHours: 2, args: { a: 1, b: same } }),
    params: { a: int, b: options, c: v.string() },
    run: (args, ctx) => void ran.push([ctx.job.task, args]),
  })
  return { my_tasks: { foo, bar }, ran, tasks: () => ran.splice(0).map(([name]) => name) }
}

const insertBar = `call jobmaster.insert_job('cool_tasks', 'bar', 10, '{"a": 5, "b": 2, "c": "x"}'::json)`

test('bar needs foo with a=1 and the same b: where there is none, it is inserted and run first', async () => {
  const { my_tasks, ran } = coolTasks()
  const { jobs, sql } = await setup({ my_tasks })
  await sql(insertBar)
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(report).toMatchObject({ blocked: 1, completed: 2, stopReason: 'empty', remaining: 0 })
  expect(ran).toEqual([
    ['cool_tasks.foo', { a: 1, b: 2 }],
    ['cool_tasks.bar', { a: 5, b: 2, c: 'x' }],
  ])
})

test('it is looked for when bar is popped from the queue, and not when bar is inserted', async () => {
  const { my_tasks } = coolTasks()
  const { jobs, sql } = await setup({ my_tasks })
  await sql(insertBar)
  expect((await jobs.list()).jobs).toMatchObject([{ task: 'cool_tasks.bar', status: 'waiting' }])
})

test('what is inserted for a dependency has a higher priority than its dependent', async () => {
  const { my_tasks } = coolTasks()
  const { jobs, sql } = await setup({ my_tasks })
  await sql(insertBar)
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.list({ task: 'cool_tasks.foo' })).jobs).toMatchObject([{ priority: 11, args: { a: 1, b: 2 } }])
})

test('so bar and its foo come before what was waiting with less', async () => {
  const { my_tasks, ran } = coolTasks()
  const { jobs, sql } = await setup({ my_tasks })
  await jobs.insert(my_tasks.foo, { a: 7, b: 1 }, { priority: 9 })
  await sql(insertBar)
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(ran.map(([, args]) => args)).toEqual([
    { a: 1, b: 2 },
    { a: 5, b: 2, c: 'x' },
    { a: 7, b: 1 },
  ])
})

test('a foo completed in the past 2 hours is not run again, and one completed before is', async () => {
  const { my_tasks, tasks } = coolTasks()
  const { jobs, sql, clock } = await setup({ my_tasks })
  await jobs.insert(my_tasks.foo, { a: 1, b: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(tasks()).toEqual(['cool_tasks.foo'])

  await clock.advance({ hours: 1, minutes: 59 })
  await sql(insertBar)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ blocked: 0, completed: 1 })
  expect(tasks()).toEqual(['cool_tasks.bar'])

  await clock.advance({ minutes: 2 })
  await sql(insertBar)
  await jobs.runUntilEmpty(deadlineIn())
  expect(tasks()).toEqual(['cool_tasks.foo', 'cool_tasks.bar'])
})

test.each([{ a: 1, b: 3 } as const, { a: 5, b: 2 } as const])(
  'a foo with other arguments does not count: $a, $b',
  async (args) => {
    const { my_tasks, tasks } = coolTasks()
    const { jobs, sql } = await setup({ my_tasks })
    await jobs.insert(my_tasks.foo, args)
    await jobs.runUntilEmpty(deadlineIn())
    await sql(insertBar)
    await jobs.runUntilEmpty(deadlineIn())
    expect(tasks()).toEqual(['cool_tasks.foo', 'cool_tasks.foo', 'cool_tasks.bar'])
  },
)

test('a foo that is already in the queue is waited for, and no second one inserted', async () => {
  const { my_tasks, tasks } = coolTasks()
  const { jobs, sql } = await setup({ my_tasks })
  await sql(insertBar)
  await jobs.insert(my_tasks.foo, { a: 1, b: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(tasks()).toEqual(['cool_tasks.foo', 'cool_tasks.bar'])
})

test('a foo that failed has not completed: bar fails with it, and says which job and why', async () => {
  const { my_tasks, tasks } = coolTasks({ failing: true })
  const { jobs, sql } = await setup({ my_tasks })
  const [bar] = await sql(insertBar)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ failed: 2, completed: 0 })
  expect(tasks()).toEqual(['cool_tasks.foo'])
  const { status, error } = (await jobs.get(bar!.id))!
  expect(status).toBe('failed')
  expect(error?.message).toBe('cool_tasks.foo #2, which this job depends on, failed: no foo today')
})

test('a write-all of bar needs one foo for each b', async () => {
  const { my_tasks, tasks } = coolTasks()
  const { jobs, sql } = await setup({ my_tasks })
  await sql(`call jobmaster.insert_job('cool_tasks', 'bar', 10, '{"a": 5, "b": "ALL", "c": "x"}'::json)`)
  await jobs.runUntilEmpty(deadlineIn())
  expect(tasks().toSorted()).toEqual([...Array(3).fill('cool_tasks.bar'), ...Array(3).fill('cool_tasks.foo')])
  expect((await jobs.list({ task: 'cool_tasks.foo' })).jobs.map(({ args }) => args.b).toSorted()).toEqual([1, 2, 3])
})

test('dependencies may be a list: the dependent waits for each of them', async () => {
  const ran: string[] = []
  const source = () => task({ params: { day: v.string() }, run: (_, ctx) => void ran.push(ctx.job.task) })
  const first = source()
  const second = source()
  const report = task({
    params: { day: v.string() },
    dependencies: [
      dependsOn(first, { withinHours: 1, args: { day: same } }),
      dependsOn(second, { withinHours: 1, args: { day: same } }),
    ],
    run: (_, ctx) => void ran.push(ctx.job.task),
  })
  const { jobs } = await setup({ things: { first, second, report } })
  await jobs.insert(report, { day: 'today' })
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran.toSorted()).toEqual(['things.first', 'things.report', 'things.second'])
  expect(ran[2]).toBe('things.report')
})

test('dependencies of dependencies are run too, each before what needs it', async () => {
  const ran: string[] = []
  const run = (_: object, ctx: { job: { task: string } }) => void ran.push(ctx.job.task)
  const one = task({ params: {}, run })
  const two = task({ params: {}, dependencies: dependsOn(one), run })
  const three = task({ params: {}, dependencies: dependsOn(two), run })
  const { jobs } = await setup({ chain: { one, two, three } })
  await jobs.insert(three, {}, { priority: 4 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual(['chain.one', 'chain.two', 'chain.three'])
  expect((await jobs.list()).jobs.map(({ task, priority }) => [task, priority])).toEqual([
    ['chain.one', 6],
    ['chain.two', 5],
    ['chain.three', 4],
  ])
})
