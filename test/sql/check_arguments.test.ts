import fc from 'fast-check'
import { task } from 'jobmaster'
import * as v from 'valibot'
import { beforeAll, expect, test } from 'vitest'
import { catalogOf } from '../../src/catalog.ts'
import { setup } from '../support/jobs.ts'
import type { Sql } from '../support/sql.ts'

const run = () => {}
// Types know the options of a picklist by name only.
const hundred = Array.from({ length: 100 }, (_, index) => index) as unknown as readonly [0, 1]
const cool = {
  foo: task({ params: { a: v.number(), b: v.picklist([1, 2, 3]) }, writeAll: ['b'], run }),
  bar: task({
    params: { a: v.optional(v.number(), 1), b: v.picklist([1, 2, 3]), c: v.string() },
    writeAll: ['b'],
    run,
  }),
  maybe: task({
    params: { letter: v.nullable(v.picklist(['x', 'y'])), n: v.nullish(v.number(), null) },
    writeAll: ['letter'],
    run,
  }),
  deep: task({ params: { rows: v.array(v.object({ name: v.string() })) }, run }),
  plain: task({ params: {}, run }),
  grid: task({
    params: { x: v.picklist(hundred), y: v.picklist(hundred), z: v.picklist([1, 2]) },
    writeAll: ['x', 'y', 'z'],
    run,
  }),
  exact: task({
    params: {
      n: v.pipe(v.number(), v.integer(), v.minValue(-2), v.maxValue(2)),
      text: v.optional(v.pipe(v.string(), v.maxLength(2)), 'x'),
      list: v.optional(v.array(v.nullable(v.boolean()))),
      other: v.exactOptional(v.union([v.literal('a'), v.number()])),
    },
    run,
  }),
}

let sql: Sql
beforeAll(async () => {
  sql = (await setup({ cool })).sql
})

interface Answer {
  complete: unknown
  expands: boolean
  code: string | null
  problem: string | null
  argument: string | null
}

async function check(name: keyof typeof cool, args: unknown): Promise<Answer> {
  const [answer] = await sql<Answer>`
    select found.*
    from jobmaster.tasks task
    cross join lateral jobmaster.check_arguments(task, ${JSON.stringify(args)}::text::jsonb) found
    where task.type_key = 'cool' and task.task_key = ${name}`
  return answer!
}

test('defaults are written into the arguments, and what is given stays', async () => {
  expect(await check('bar', { b: 2, c: 'x' })).toEqual({
    complete: { a: 1, b: 2, c: 'x' },
    expands: false,
    code: null,
    problem: null,
    argument: null,
  })
  expect((await check('bar', { a: 5, b: 2, c: 'x' })).complete).toEqual({ a: 5, b: 2, c: 'x' })
  expect((await check('maybe', { letter: null })).complete).toEqual({ letter: null, n: null })
  expect((await check('plain', {})).complete).toEqual({})
})

test('"ALL" for a write-all parameter makes a job that expands', async () => {
  expect(await check('foo', { a: 1, b: 'ALL' })).toEqual({
    complete: { a: 1, b: 'ALL' },
    expands: true,
    code: null,
    problem: null,
    argument: null,
  })
})

test('"ALL" is a string like another where a string is taken', async () => {
  expect(await check('bar', { b: 1, c: 'ALL' })).toMatchObject({ expands: false, problem: null })
})

test.each<[keyof typeof cool, unknown, string, string | null, string]>([
  ['bar', [], 'JM006', null, 'cool.bar: args must be a JSON object, got array'],
  ['bar', 'x', 'JM006', null, 'cool.bar: args must be a JSON object, got string'],
  ['bar', null, 'JM006', null, 'cool.bar: args must be a JSON object, got null'],
  ['bar', { b: 2 }, 'JM002', 'c', 'cool.bar: missing argument "c"'],
  ['bar', { b: 2, c: 'x', d: 1 }, 'JM003', 'd', 'cool.bar: unknown argument "d"'],
  ['plain', { d: 1 }, 'JM003', 'd', 'cool.plain: unknown argument "d"'],
  ['bar', { b: 4, c: 'x' }, 'JM004', 'b', 'cool.bar: "b" must be one of 1, 2, 3 (or "ALL"), got 4'],
  ['bar', { b: '1', c: 'x' }, 'JM004', 'b', 'cool.bar: "b" must be one of 1, 2, 3 (or "ALL"), got "1"'],
  [
    'maybe',
    { letter: 'z' },
    'JM004',
    'letter',
    'cool.maybe: "letter" must be one of "x", "y", null (or "ALL"), got "z"',
  ],
  ['bar', { b: 2, c: 4 }, 'JM004', 'c', 'cool.bar: "c" must be a string, got number'],
  ['bar', { a: null, b: 2, c: 'x' }, 'JM004', 'a', 'cool.bar: "a" must be a number, got null'],
  [
    'deep',
    { rows: [{ name: 'a' }, { name: 1 }] },
    'JM004',
    'rows',
    'cool.deep: "rows"[1].name must be a string, got number',
  ],
  ['foo', { a: 'ALL', b: 1 }, 'JM007', 'a', 'cool.foo: "a" is not a write-all parameter, so it cannot be "ALL"'],
  [
    'grid',
    { x: 'ALL', y: 'ALL', z: 'ALL' },
    'JM009',
    null,
    'cool.grid: "ALL" stands for 20000 combinations here, and at most 10000 are taken: give some arguments a value',
  ],
])('arguments that do not fit are named: %s %j', async (name, args, code, argument, problem) => {
  expect(await check(name, args)).toMatchObject({ code, argument, problem })
})

test('a refused insert names the argument as the column of its error, which a form can point at', async () => {
  const columnOf = (args: string) =>
    sql`select jobmaster.enqueue('cool', 'bar', ${args}::text)`.catch((error: { column?: string }) => error.column)
  expect(await columnOf('{"b": 2, "c": "x", "d": 1}')).toBe('d')
  expect(await columnOf('{"b": 2}')).toBe('c')
  expect(await columnOf('{"b": 4, "c": "x"}')).toBe('b')
})

test('10,000 combinations are taken', async () => {
  expect(await check('grid', { x: 'ALL', y: 'ALL', z: 1 })).toMatchObject({ expands: true, problem: null })
})

test('more than 1 MB is refused with its size, before anything else is looked at', async () => {
  const args = { b: 9, c: 'é'.repeat(600_000), d: 1 }
  const { code, problem } = await check('bar', args)
  expect(code).toBe('JM005')
  expect(problem).toBe(
    'cool.bar: args are 1200025 bytes of JSON, and at most 1048576 are taken: store the data elsewhere and pass its place',
  )
  expect(await check('bar', { b: 1, c: 'x'.repeat(1_048_576 - '{"b": 1, "c": ""}'.length) })).toMatchObject({
    problem: null,
  })
})

test('the first problem is told: unknown arguments, then the parameters in the order declared', async () => {
  expect((await check('bar', { a: 'x', b: 9, d: 1 })).code).toBe('JM003')
  expect((await check('bar', { a: 'x', b: 9 })).problem).toMatch(/^cool.bar: "a" must be a number/)
  expect((await check('bar', { b: 9 })).problem).toMatch(/^cool.bar: "b" must be one of/)
})

test('where every parameter is exact, the database takes the arguments that the start of the job takes', async () => {
  const { parse } = catalogOf({ cool }).byName.get('cool.exact')!
  const value = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom(0.5, null, true, 'a', 'ab', '😀', '😀a', 'ALL', [], [true, null], [1]),
  )
  const args = fc.dictionary(fc.constantFrom('n', 'text', 'list', 'other', 'unknown'), value, { noNullPrototype: true })
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        args,
        args.map((given) => ({ ...given, n: 1 })),
      ),
      async (given) => {
        const { problem } = await check('exact', given)
        expect(problem === null, `${problem}`).toBe(parse(given as Parameters<typeof parse>[0]).ok)
      },
    ),
    { numRuns: 300 },
  )
})
