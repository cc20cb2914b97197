import * as v from 'valibot'
import { task } from 'jobmaster'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

// Arguments and options that cannot be: each is refused by name, with the next step, and nothing is inserted.

const foo = task({
  params: {
    a: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100)), 1),
    b: v.optional(v.picklist([1, 2, 3]), 1),
    c: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(2_000_000)), 'x'),
    d: v.optional(v.array(v.pipe(v.number(), v.integer())), []),
    e: v.optional(v.record(v.string(), v.unknown()), {}),
  },
  writeAll: ['b'],
  run: () => {},
})
const cool = { foo }

// One database for all that is refused: nothing comes to be in it.
let shared: Awaited<ReturnType<typeof setup>>
beforeAll(async () => {
  shared = await setup({ cool })
})
afterEach(() => shared.sql`delete from jobmaster.jobs`)

test.each([
  { what: 'NaN', args: { a: Number.NaN }, says: /^cool\.foo: args\.a is NaN, which JSON does not have: / },
  { what: 'Infinity', args: { a: -Infinity }, says: /^cool\.foo: args\.a is -Infinity, which JSON does not have: / },
  { what: 'a bigint', args: { a: 1n }, says: /^cool\.foo: args\.a is a bigint, which JSON does not have: / },
  { what: 'a Date', args: { c: new Date(0) }, says: /^cool\.foo: args\.c is a Date, .*toISOString\(\)/ },
  { what: 'undefined', args: { a: undefined }, says: /^cool\.foo: args\.a is undefined, .*leave it out/ },
  { what: 'undefined in a list', args: { d: [1, undefined] }, says: /^cool\.foo: args\.d\[1\] is undefined/ },
  {
    what: 'a hole in a list',
    args: { d: Object.assign([1], { 2: 3 }) },
    says: /^cool\.foo: args\.d\[1\] is undefined/,
  },
  { what: 'NaN deep inside', args: { e: { x: [{ y: Number.NaN }] } }, says: /^cool\.foo: args\.e\.x\[0\]\.y is NaN/ },
  { what: 'a function', args: { c: () => {} }, says: /^cool\.foo: args\.c is a function/ },
  { what: 'a symbol', args: { c: Symbol('c') }, says: /^cool\.foo: args\.c is a symbol/ },
  { what: 'a Map', args: { e: new Map() }, says: /^cool\.foo: args\.e is a Map/ },
  { what: 'a cycle', args: { e: circular() }, says: /^cool\.foo: args\.e\.self is .*cycles/ },
  { what: 'a NUL', args: { c: 'a\u0000b' }, says: /^cool\.foo: args\.c contains the character \\u0000/ },
  { what: 'half a surrogate pair', args: { c: '\ud83d' }, says: /^cool\.foo: args\.c contains half a surrogate pair/ },
  { what: 'no arguments at all', args: undefined, says: /^cool\.foo: args is undefined/ },
])('TypeScript arguments with $what are refused before anything is sent', async ({ args, says }) => {
  const { jobs, statements } = shared
  statements.reset()
  await expect(jobs.insert(foo, args as never)).rejects.toMatchObject({
    name: 'JobMasterError',
    code: 'JM004',
    message: expect.stringMatching(says),
  })
  await expect(
    jobs.insertMany([
      { task: foo, args: {} },
      { task: foo, args: args as never },
    ]),
  ).rejects.toThrow(says)
  expect(statements.count).toBe(0)
  expect((await jobs.list()).jobs).toEqual([])
})

test.each([
  { what: 'an unknown argument', args: { z: 1 }, code: 'JM003', says: /^cool\.foo: unknown argument "z"/ },
  { what: 'another type', args: { a: '1' }, code: 'JM004', says: /^cool\.foo: "a" must be a number, got string/ },
  { what: 'too small a number', args: { a: -1 }, code: 'JM004', says: /^cool\.foo: "a" must be at least 0, got -1/ },
  {
    what: 'too large a number',
    args: { a: 100.5 },
    code: 'JM004',
    says: /^cool\.foo: "a" must be at most 100, got 100\.5/,
  },
  {
    what: 'too short a string',
    args: { c: '' },
    code: 'JM004',
    says: /^cool\.foo: "c" must have at least 1 character, got 0/,
  },
  {
    what: 'no such option',
    args: { b: 4 },
    code: 'JM004',
    says: /^cool\.foo: "b" must be one of 1, 2, 3 \(or "ALL"\), got 4/,
  },
  {
    what: 'a wrong element',
    args: { d: [1, 2.5] },
    code: 'JM004',
    says: /^cool\.foo: "d"\[1\] must be a whole number, got 2\.5/,
  },
  {
    what: 'ALL where it is not write-all',
    args: { d: 'ALL' },
    code: 'JM007',
    says: /^cool\.foo: "d" is not a write-all parameter/,
  },
  { what: 'a list', args: [1], code: 'JM006', says: /^cool\.foo: args must be a JSON object, got array/ },
  { what: 'null', args: null, code: 'JM006', says: /^cool\.foo: args must be a JSON object, got null/ },
  { what: 'a string', args: 'a', code: 'JM006', says: /^cool\.foo: args must be a JSON object, got string/ },
])('arguments are refused by the database: $what', async ({ args, code, says }) => {
  const { jobs, sql } = shared
  const refusal = { code, message: expect.stringMatching(says) }
  await expect(jobs.insert(foo, args as never)).rejects.toMatchObject({ name: 'JobMasterError', ...refusal })
  await expect(sql`select jobmaster.enqueue('cool', 'foo', ${JSON.stringify(args)}::json)`).rejects.toMatchObject(
    refusal,
  )
  expect((await jobs.list()).jobs).toEqual([])
})

test('arguments over 1 MB are refused with their size, and arguments just below are taken', async () => {
  const { jobs, sql } = shared
  const [limit, over] = [1_048_576, 1_048_577]
  const rest = Buffer.byteLength(JSON.stringify({ c: '' })) + 1
  const refusal = {
    code: 'JM005',
    message: expect.stringMatching(new RegExp(`^cool\\.foo: args are ${over} bytes .*${limit}`)),
  }
  const c = 'x'.repeat(over - rest)
  await expect(jobs.insert(foo, { c })).rejects.toMatchObject(refusal)
  await expect(sql`select jobmaster.enqueue('cool', 'foo', ${JSON.stringify({ c })}::jsonb)`).rejects.toMatchObject(
    refusal,
  )
  expect((await jobs.list()).jobs).toEqual([])
  const job = await jobs.insert(foo, { c: c.slice(1) })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  expect((await jobs.get(job.id))?.args.c).toHaveLength(c.length - 1)
})

test('an unknown task is refused: by name, by a name without a dot, and one that is not in the tasks', async () => {
  const { jobs } = shared
  await expect(jobs.insert('cool.baz', {})).rejects.toMatchObject({
    code: 'JM001',
    message: 'unknown task cool.baz (known in cool: foo)',
  })
  await expect(jobs.insert('foo', {})).rejects.toMatchObject({
    code: 'JM001',
    message: 'unknown task foo (known type keys: cool)',
  })
  await expect(jobs.insert(task({ params: {}, run: () => {} }), {})).rejects.toMatchObject({
    code: 'JM001',
    message: expect.stringMatching(/^unknown task: it is not in the `tasks` given to createJobMaster.*add its module/),
  })
  expect((await jobs.list()).jobs).toEqual([])
})

test.each([1.5, Number.NaN, Infinity, '7', 2_000_000_000])(
  'a priority that is no whole number within ±1,000,000,000 is refused: %j',
  async (priority) => {
    const { jobs } = shared
    await expect(jobs.insert(foo, {}, { priority: priority as number })).rejects.toMatchObject({
      code: 'JM008',
      message: expect.stringMatching(/^cool\.foo: priority must be a whole number/),
    })
    expect((await jobs.list()).jobs).toEqual([])
  },
)

test.each([new Date(Number.NaN), new Date(8.64e15), 'tomorrow', 0])(
  'a runAt that is no time is refused: %j',
  async (runAt) => {
    const { jobs } = shared
    await expect(jobs.insert(foo, {}, { runAt: runAt as Date })).rejects.toMatchObject({
      code: 'JM008',
      message: expect.stringMatching(/^cool\.foo: run_?[aA]t must be /),
    })
    expect((await jobs.list()).jobs).toEqual([])
  },
)

test.each([
  [new Date(Number.NaN), {}, 'runUntilEmpty: the deadline must be a valid Date'],
  [undefined, {}, 'runUntilEmpty: the deadline must be a valid Date'],
  [deadlineIn(), { concurrency: 0 }, 'runUntilEmpty: concurrency must be a whole number from 1, got 0'],
  [deadlineIn(), { concurrency: 1.5 }, 'runUntilEmpty: concurrency must be a whole number from 1, got 1.5'],
  [deadlineIn(), { batchSize: Number.NaN }, 'runUntilEmpty: batchSize must be a whole number from 1, got NaN'],
  [deadlineIn(), { statementBudget: 1 }, 'runUntilEmpty: statementBudget must be a whole number from 2, got 1'],
  [deadlineIn(), { settleMs: -1 }, 'runUntilEmpty: settleMs must be a number of milliseconds from 0, got -1'],
  [deadlineIn(), { graceMs: '5' }, 'runUntilEmpty: graceMs must be a number of milliseconds from 0, got 5'],
])('a drain with options that cannot be takes nothing: %s %j', async (deadline, options, message) => {
  const { jobs } = shared
  await jobs.insert(foo, {})
  await expect((async () => jobs.runUntilEmpty(deadline as Date, options as object))()).rejects.toMatchObject({
    code: 'JM008',
    message,
  })
  expect((await jobs.list({ status: 'waiting' })).jobs).toHaveLength(1)
})

test('what JSON Schema cannot say is checked when the job starts: it fails, and is not tried again', async () => {
  const even = task({
    params: {
      n: v.pipe(
        v.number(),
        v.check((n) => n % 2 === 0, 'must be even'),
      ),
    },
    run: ({ n }) => n,
  })
  const { jobs } = await setup({ cool: { even } })
  const [odd, good] = await jobs.insertMany([
    { task: even, args: { n: 3 } },
    { task: even, args: { n: 4 } },
  ])
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ failed: 1, retried: 0, completed: 1 })
  expect(await jobs.get(odd!.id)).toMatchObject({
    status: 'failed',
    attempt: 1,
    error: { name: 'InvalidArguments', message: 'cool.even: "n": must be even' },
  })
  expect((await jobs.get(good!.id))?.result).toBe(4)
})

test('units of a task above the system’s are refused at deploy, naming both', async () => {
  const heavy = task({ params: {}, processUnits: 101, run: () => {} })
  const { jobs, sql } = await setup({ cool: { heavy } }, { systemProcessUnits: 100, deploy: false })
  await expect(jobs.deploy()).rejects.toMatchObject({
    code: 'JM014',
    message: expect.stringMatching(/cool\.heavy weighs 101 process units and the system has 100: .*systemProcessUnits/),
  })
  expect(await sql`select 1 from pg_namespace where nspname = 'jobmaster'`).toEqual([])
})

test('units of a task above those of the system that drains leave its jobs waiting, and explain says so', async () => {
  const heavy = task({ params: {}, processUnits: 101, run: () => {} })
  const { database } = await setup({ cool: { heavy } }, { systemProcessUnits: 200 })
  const { jobs } = await setup({ cool: { heavy } }, { systemProcessUnits: 100, database, deploy: false })
  const job = await jobs.insert(heavy, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ stopReason: 'capacity', remaining: 1, completed: 0 })
  expect(await jobs.explain(job.id)).toBe('cool.heavy #1 is waiting\nunits: needs 101, 100 of 100 free on default')
})

function circular(): object {
  const value: Record<string, unknown> = {}
  value.self = value
  return value
}
