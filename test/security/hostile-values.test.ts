import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { patternOf } from '../../src/pattern.ts'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

// Values that are made to be expensive, to be stored and then to break whoever reads them, or to be what they are not.

const any = task({ params: { x: v.any() }, run: ({ x }) => x as never })
const cool = { any }

const nested = (levels: number) => `{"x": ${'['.repeat(levels)}${']'.repeat(levels)}}`

test('arguments that are nested too deeply for JSON.stringify are refused by the database, and those below the limit are read back', async () => {
  const { jobs, sql } = await setup({ cool })
  for (const levels of [501, 3_000, 10_000]) {
    await expect(sql`select jobmaster.enqueue('cool', 'any', ${nested(levels)}::text)`).rejects.toMatchObject({
      code: 'JM004',
      message: 'cool.any: args are nested more than 500 levels deep: send them flatter, or as a string',
    })
  }
  // Postgres' own parser gives up here.
  await expect(sql`select jobmaster.enqueue('cool', 'any', ${nested(100_000)}::text)`).rejects.toMatchObject({
    code: '54001',
  })
  await sql`select jobmaster.enqueue('cool', 'any', ${nested(499)}::text)`
  expect((await jobs.runUntilEmpty(deadlineIn())).jobs).toMatchObject([{ status: 'completed' }])
  expect(JSON.stringify((await jobs.list()).jobs)).toContain('[[[[')
})

test('a number that no double holds is refused wherever it stands, and does not arrive as Infinity', async () => {
  const { sql } = await setup({ cool })
  for (const x of ['1e400', '[1e400]', '{"deep": [[-1e400]]}', '[1e131071]']) {
    await expect(sql`select jobmaster.enqueue('cool', 'any', ${`{"x": ${x}}`}::text)`, x).rejects.toMatchObject({
      code: 'JM004',
      message: expect.stringMatching(
        /^cool\.any: (args have a number that does not|"x" must be a number that) fits? 64 bits/,
      ),
    })
  }
  await sql`select jobmaster.enqueue('cool', 'any', '{"x": [1.7976931348623157e308, -1e-400]}'::text)`
})

test('ten thousand jobs of a megabyte each are refused before there is a statement', async () => {
  const { jobs, statements } = await setup({ cool })
  const args = { x: 'x'.repeat(1_000_000) }
  await expect(jobs.insertMany(Array.from({ length: 10_000 }, () => ({ task: any, args })))).rejects.toMatchObject({
    name: 'JobMasterError',
    code: 'JM005',
    message:
      '10000 jobs are more than 67108864 characters of JSON, the most that one statement takes: insert fewer at once',
  })
  expect(statements.count).toBe(0)
  const some = await jobs.insertMany(Array.from({ length: 20 }, () => ({ task: any, args })))
  expect(some).toHaveLength(20)
})

test('wide arguments at a great depth cost no more than flat ones', async () => {
  const { jobs } = await setup({ cool })
  const wide = JSON.parse('['.repeat(400) + Array(100_000).fill('[]').join(',') + ']'.repeat(400))
  const started = performance.now()
  await jobs.insert(any, { x: wide })
  expect(performance.now() - started).toBeLessThan(1_500)
})

test.each([
  ['x.\u0000', 'JM001', /its name contains the character \\u0000/],
  ['x.\ud83d', 'JM001', /its name contains half a surrogate pair/],
  [`x.${'y'.repeat(1_000_000)}`, 'JM001', /^unknown task x\.y{398,400} \(/],
])('a task with a hostile name is unknown, by a short message: %#', async (name, code, message) => {
  const { jobs } = await setup({ cool })
  const error: Error = (await jobs.insert(name, {}).catch((refused: Error) => refused)) as Error
  expect(error).toMatchObject({ name: 'JobMasterError', code })
  expect(error.message).toMatch(message)
  expect(error.message.length).toBeLessThan(1_000)
})

test('what a job says it failed of is cut, whatever names its arguments and its result have', async () => {
  const long = 'k'.repeat(100_000)
  const bad = task({
    params: {
      x: v.record(
        v.string(),
        v.pipe(
          v.number(),
          v.check(() => false, long),
        ),
      ),
    },
    run: () => {},
  })
  const worse = task({ params: {}, run: () => ({ [long]: Number.NaN }) as never })
  const { jobs } = await setup({ cool: { bad, worse } })
  await jobs.insertMany([
    { task: bad, args: { x: { [long]: 1 } } },
    { task: worse, args: {} },
  ])
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(report.failed).toBe(2)
  for (const { error } of (await jobs.list()).jobs) expect(error?.message).toHaveLength(2_000)
})

test('names that objects have by nature are arguments like any other', async () => {
  const { jobs, sql } = await setup({ cool })
  const polluting = JSON.parse(
    '{"x": {"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}}',
  )
  const { id } = await jobs.insert(any, polluting)
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
  expect(JSON.stringify((await jobs.get(id))?.args)).toContain('"__proto__"')
  await expect(jobs.insert('cool.any', JSON.parse('{"x": 1, "__proto__": 2}'))).rejects.toMatchObject({ code: 'JM003' })
  await expect(jobs.insert('cool.__proto__', {})).rejects.toMatchObject({ code: 'JM001' })
  await expect(jobs.insert('constructor.prototype', {})).rejects.toMatchObject({ code: 'JM001' })
  expect(await sql`select count(*) from jobmaster.jobs`).toEqual([{ count: 1 }])
})

// Catastrophic where an engine backtracks, or where lookahead is tried again at each character.
test.each([
  /^(a+)+$/,
  /^(a|a)*b$/,
  /^(.*a){20}$/u,
  /^(([a-z])+.)+[A-Z]([a-z])+$/u,
  /(.*)(.*)(.*)(.*)(.*)[0-9]/u,
  /(x+x+)+y/,
  /(?=.*b)x/u,
  /(?!.*b)[0-9]/u,
  /^(?:(?=.*b)a)*$/u,
  /^a*(?=.*b)c/u,
  /^(?=(?=.*b)a.*c)/u,
  /(?=a{200})b/,
  /^(?=.*\d)(?=.*[a-z]).{8,}$/u,
  /^(?:(?!--)[a-z-])+$/u,
])(
  'the pattern %s takes the database no longer than its text is long, or is left to the start of the job',
  async (pattern) => {
    const translated = patternOf(pattern)
    if (translated === null) return
    const { sql } = await setup({ cool }, { deploy: false })
    await sql`set statement_timeout = '2s'`
    for (const text of ['a'.repeat(1_000_000), 'x'.repeat(1_000_000), 'a1'.repeat(500_000)]) {
      await sql`select ${text}::text collate "C" ~ ${translated.pattern}`
    }
  },
)

test('lookahead is taken where it is tried once, or is short', () => {
  const taken = [/^(?=.*\d)(?!.*x).+$/u, /^(?=a)b|^(?!.*c)d/u, /^(?:(?!--)[a-z-])+$/u, /a(?!bc)/u]
  const left = [/(?=.*b)x/u, /^a(?=.*b)/u, /^(?:(?=.*b)a)*$/u, /(?=a{200})b/u, /(?!a{2,})b/u]
  for (const pattern of taken) expect(patternOf(pattern), String(pattern)).not.toBeNull()
  for (const pattern of left) expect(patternOf(pattern), String(pattern)).toBeNull()
})
