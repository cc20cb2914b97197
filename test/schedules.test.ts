import { createJobMaster, schedule, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { catalogOf } from '../src/catalog.ts'
import { setup } from './support/jobs.ts'

const foo = task({ params: { a: v.number(), b: v.picklist([1, 2]) }, writeAll: ['b'], run() {} })
const stranger = task({ params: {}, run() {} })
const daily = { cron: '0 3 * * *' }
/** A schedule that the types would refuse: what comes from JavaScript. */
const loose = schedule as (...definition: unknown[]) => ReturnType<typeof schedule>

test.each([
  [
    'an expression of three fields',
    loose(foo, { a: 1, b: 1 }, { cron: '* * *' }),
    /^schedule cool.one: cron "\* \* \*" is not/,
  ],
  [
    'no expression',
    loose(foo, { a: 1, b: 1 }),
    /^schedule cool.one: cron must be a text such as "0 3 \* \* \*", got undefined/,
  ],
  [
    'no time zone that there is',
    schedule(foo, { a: 1, b: 1 }, { ...daily, timezone: 'Mars' }),
    /unknown timezone "Mars"/,
  ],
  [
    'a time zone that is no text',
    loose(foo, { a: 1, b: 1 }, { ...daily, timezone: 7 }),
    /timezone must be an IANA name, got 7/,
  ],
  [
    'another catchUp',
    loose(foo, { a: 1, b: 1 }, { ...daily, catchUp: 'some' }),
    /catchUp must be "none", "last" or "all", got "some"/,
  ],
  [
    'an unknown task',
    schedule('cool.nothing', {}, daily),
    /^schedule cool.one: unknown task cool.nothing: correct the name/,
  ],
  ['a task of no module', schedule(stranger, {}, daily), /^schedule cool.one: its task is not among the tasks/],
  ['what is no task', loose(7, {}, daily), /^schedule cool.one: its task is not among the tasks/],
  ['a missing argument', loose(foo, { b: 1 }, daily), /^schedule cool.one: cool.foo: missing argument "a"$/],
  [
    'an unknown argument',
    loose(foo, { a: 1, b: 1, c: 2 }, daily),
    /^schedule cool.one: cool.foo: unknown argument "c"$/,
  ],
  [
    'a wrong argument',
    loose(foo, { a: 'x', b: 1 }, daily),
    /^schedule cool.one: cool.foo: "a" "x" is refused by its schema/,
  ],
  [
    'ALL for what is not write-all',
    loose(foo, { a: 'ALL', b: 1 }, daily),
    /^schedule cool.one: cool.foo: "a" "ALL" is refused/,
  ],
  ['arguments that are no object', loose(foo, [1], daily), /^schedule cool.one: cool.foo: args must be a JSON object/],
  ['what JSON does not have', loose(foo, { a: 1n, b: 1 }, daily), /^schedule cool.one: cool.foo: args.a is a bigint/],
])('a schedule with %s is refused, by name', (_, one, problem) => {
  expect(catalogOf({ cool: { foo, one } }).problems).toEqual([expect.stringMatching(problem)])
})

test('a schedule that is a default export, or whose name has a dot, is refused', () => {
  const one = schedule(foo, { a: 1, b: 1 }, daily)
  expect(catalogOf({ cool: { foo, default: one } }).problems).toEqual([expect.stringMatching(/exported as default/)])
  expect(catalogOf({ cool: { foo, 'a.b': one } }).problems).toEqual([expect.stringMatching(/contains a dot/)])
})

test('a deploy lists everything that is wrong with schedules at once, and changes nothing', async () => {
  const cool = {
    foo,
    one: schedule(foo, { a: 1, b: 'ALL' }, { cron: '99 * * * *', timezone: 'Mars' }),
    two: loose('cool.bar', {}, daily),
  }
  const { database } = await setup({}, { deploy: false })
  const jobs = createJobMaster({ db: database.db, tasks: { cool } })
  const { problems } = await jobs.plan()
  expect(problems).toHaveLength(3)
  await expect(jobs.deploy()).rejects.toMatchObject({
    code: 'JM014',
    message: ['deploy refused:', ...problems.map((problem) => `- ${problem}`)].join('\n'),
  })
})

test('a schedule may name its task, and come from another module', async () => {
  const times = { daily: schedule('cool.foo', { a: 1, b: 'ALL' }, daily) }
  const { jobs } = await setup({ cool: { foo }, times })
  expect(await jobs.schedules()).toMatchObject([
    { schedule: 'times.daily', task: 'cool.foo', args: { a: 1, b: 'ALL' } },
  ])
})

test('arguments that only the database refuses are refused by deploy', async () => {
  const wide = task({ params: { text: v.string() }, run() {} })
  const { database } = await setup({}, { deploy: false })
  const text = 'x'.repeat(1_100_000)
  const jobs = createJobMaster({ db: database.db, tasks: { cool: { wide, big: schedule(wide, { text }, daily) } } })
  await expect(jobs.deploy()).rejects.toMatchObject({
    code: 'JM014',
    message: expect.stringMatching(/^deploy refused: schedule cool.big: cool.wide: args are \d+ bytes/),
  })
})

test('the types of a schedule are those of an insert', () => {
  schedule(foo, { a: 1, b: 'ALL' }, { cron: '@daily', catchUp: 'all' })
  // @ts-expect-error -- b is missing
  schedule(foo, { a: 1 }, daily)
  // @ts-expect-error -- a is a number
  schedule(foo, { a: 'x', b: 1 }, daily)
  // @ts-expect-error -- no such way to catch up
  schedule(foo, { a: 1, b: 1 }, { cron: '@daily', catchUp: 'some' })
})
