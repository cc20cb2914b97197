import fc from 'fast-check'
import { JobMasterError, task } from 'jobmaster'
import * as v from 'valibot'
import { beforeAll, expect, test } from 'vitest'
import { catalogOf } from '../../src/catalog.ts'
import { setup } from '../support/jobs.ts'
import type { Sql } from '../support/sql.ts'

const run = () => {}
const cool = {
  bar: task({
    params: { a: v.optional(v.number(), 1), b: v.picklist([1, 2, 3]), c: v.string() },
    writeAll: ['b'],
    run,
  }),
  exact: task({
    params: {
      n: v.pipe(v.number(), v.integer(), v.minValue(-2), v.maxValue(2)),
      text: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(2)), 'x'),
      some: v.nullable(v.boolean()),
      id: v.optional(v.pipe(v.string(), v.uuid())),
    },
    run,
  }),
  open: task({ params: { any: v.unknown(), rows: v.array(v.object({ name: v.string() })) }, run }),
  // Names and options that would end a path's string, or go on in it.
  odd: task({
    params: {
      'a"b\\': v.picklist(['"', '\\', '" || $ == $']),
      "'$.c": v.optional(v.pipe(v.string(), v.regex(/^"'\\$/))),
    },
    run,
  }),
  plain: task({ params: {}, run }),
}

let opened: Awaited<ReturnType<typeof setup>>
let sql: Sql
beforeAll(async () => {
  opened = await setup({ cool })
  sql = opened.sql
})

/** What five jobs alike come to together: the arguments stored, or why they are refused. */
async function together(name: keyof typeof cool, args: unknown): Promise<unknown> {
  const items = Array.from({ length: 5 }, () => ({ task: `cool.${name}`, args, priority: 0 }))
  try {
    const [answer] = await sql<{ answer: { ids: number[] } }>`
      select jobmaster.insert_jobs(${JSON.stringify(items)}::text::jsonb) as answer`
    const rows = await sql<{ args: unknown }>`
      select args from jobmaster.jobs where id = any (${`{${answer!.answer.ids.join()}}`}::bigint[])`
    expect(rows).toHaveLength(5)
    return rows[4]!.args
  } catch (error) {
    return (error as Error).message.replace(/ \(job 1 of 5.*/, '')
  }
}

/** What check_arguments says of them. */
async function alone(name: keyof typeof cool, args: unknown): Promise<unknown> {
  const [found] = await sql<{ complete: unknown; problem: string | null }>`
    select found.complete, found.problem
    from jobmaster.tasks task
    cross join lateral jobmaster.check_arguments(task, ${JSON.stringify(args)}::text::jsonb) found
    where task.task_key = ${name}`
  return found!.problem ?? found!.complete
}

test.for<[keyof typeof cool, unknown]>([
  ['bar', { b: 2, c: 'x' }],
  ['bar', { b: 'ALL', c: 'x' }],
  ['bar', { b: [2], c: 'x' }],
  ['bar', { b: 4, c: 'x' }],
  ['bar', { b: 2 }],
  ['bar', { b: 2, c: 'x', d: 1 }],
  ['bar', { a: null, b: 2, c: 'x' }],
  ['bar', { b: 2, c: 'y'.repeat(9_000) }],
  ['bar', []],
  ['bar', null],
  ['bar', 'b'],
  ['exact', { n: 3, some: null }],
  ['exact', { n: 1.5, some: true }],
  ['exact', { n: 1, some: true, text: '' }],
  ['exact', { n: 1, some: true, text: '👍' }],
  ['exact', { n: 1, some: true, text: 'éé' }],
  ['exact', { n: 1, some: true, text: 22 }],
  ['exact', { n: 1, some: false, id: 'c9a646d3-9c61-4cb7-bfcd-ee2522c8f633' }],
  ['exact', { n: 1, some: false, id: 'c9a646d3-9c61-4cb7-bfcd' }],
  ['open', { any: { deep: 1 }, rows: [{ name: 'x' }] }],
  ['open', { any: JSON.parse(`${'['.repeat(600)}${']'.repeat(600)}`), rows: [] }],
  ['open', { any: 1, rows: [{ name: 1 }] }],
  ['open', { rows: [] }],
  ['odd', { 'a"b\\': '"' }],
  ['odd', { 'a"b\\': '" || $ == $' }],
  ['odd', { 'a"b\\': 'x' }],
  ['odd', { 'a"b\\': '\\', "'$.c": '"\'\\' }],
  ['odd', { 'a"b\\': '\\', "'$.c": 'x' }],
  ['plain', {}],
  ['plain', []],
  ['plain', 1],
])('many jobs of %s with %j are judged as each alone', async ([name, args]) => {
  expect(await together(name, args)).toEqual(await alone(name, args))
})

test('a number of more digits than a double has is judged among many as alone', async () => {
  const item = '{"task": "cool.open", "args": {"any": 1e400, "rows": []}}'
  await expect(sql`select jobmaster.insert_jobs(${`[${Array(5).fill(item).join()}]`}::text::jsonb)`).rejects.toThrow(
    'cool.open: args have a number that does not fit 64 bits',
  )
})

test('whatever the arguments, many jobs are judged as each alone', async () => {
  const value = fc.oneof(
    fc.constantFrom(1, 2, 3, '1', 'x', '', 'ALL', null, true, -2, 2.5, 'c9a646d3-9c61-4cb7-bfcd-ee2522c8f633', [1], {}),
    fc.string({ maxLength: 3 }),
    fc.jsonValue({ maxDepth: 1 }),
  )
  const names = ['a', 'b', 'c', 'n', 'text', 'some', 'id', 'any', 'rows', 'a"b\\', "'$.c"]
  const args = fc.oneof(
    fc.dictionary(fc.constantFrom(...names), value),
    fc.record({ n: value, some: value, text: value }, { requiredKeys: ['n', 'some'] }),
    fc.record({ b: value, c: value }),
  )
  const task = fc.constantFrom(...(Object.keys(cool) as (keyof typeof cool)[]))
  await fc.assert(
    fc.asyncProperty(task, args, async (name, given) => {
      // Postgres has no such character.
      fc.pre(!JSON.stringify(given).includes('\\u0000') && JSON.stringify(given).isWellFormed())
      fc.pre(!/\\ud[89a-f]/.test(JSON.stringify(given)))
      expect(await together(name, given)).toEqual(await alone(name, given))
    }),
    { numRuns: 150 },
  )
})

test('what most arguments are judged by is made for params that are scalars, strings with a length or a pattern, and picklists', async () => {
  expect(catalogOf({ cool }).problems).toEqual([])
  const rows = await sql<{ name: string; quick: boolean; asked: string[] }>`
    select task_key as name, path is not null as quick, asked
    from jobmaster.tasks task
    cross join lateral jobmaster.quick_test(task.params)
    order by 1`
  expect(rows).toEqual([
    { name: 'bar', quick: true, asked: [] },
    { name: 'exact', quick: true, asked: ['text'] },
    { name: 'odd', quick: true, asked: [] },
    { name: 'open', quick: true, asked: ['any', 'rows'] },
    { name: 'plain', quick: true, asked: [] },
  ])
})

test('insertMany answers what is stored: defaults, the time of each, and which are set for later', async () => {
  const { jobs } = opened
  const later = new Date(Date.now() + 86_400_000)
  const inserted = await jobs.insertMany(
    Array.from({ length: 6 }, (_, index) => ({
      task: cool.bar,
      args: { b: 1, c: `${index}` } as const,
      priority: index,
      ...(index === 3 && { runAt: later }),
    })),
  )
  expect(inserted.map(({ args }) => args)).toEqual(inserted.map((_, index) => ({ a: 1, b: 1, c: `${index}` })))
  expect(await Promise.all(inserted.map(({ id }) => jobs.get(id)))).toEqual(inserted)
  expect(inserted[3]).toMatchObject({ status: 'scheduled', runAt: later, priority: 3 })
  await expect(
    jobs.insertMany(Array.from({ length: 5 }, () => ({ task: 'cool.bar', args: { b: 9, c: 'x' } }))),
  ).rejects.toThrow(JobMasterError)
})
