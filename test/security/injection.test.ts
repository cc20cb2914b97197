import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { functions } from '../../src/sql/index.ts'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

// A task whose names are SQL themselves, where any may be.
const named = task({ params: { "x'; --": v.optional(v.string(), "'); drop table jobs; --") }, run: (args) => args })
const cool = { [`it's "x" $1 %s $fn$ \\`]: named, plain: task({ params: {}, run: () => {} }) }

const hostile = [
  `waiting') or true --`,
  `'; drop schema jobmaster cascade; --`,
  `'' or 1=1`,
  `$$; select pg_sleep(9); $$`,
  `\\'; select 1; --`,
  `%s %I %L`,
  '$1',
  'waiting\u2019',
]

test("a filter's condition, and a former function's signature, are the only SQL that a function puts together", () => {
  const dynamic = functions.filter(({ sql }) => /\bexecute\b(?! (function|on)\b)/i.test(sql.replace(/--.*$/gm, '')))
  expect(dynamic.map(({ name }) => name)).toEqual(['bite', 'bitten', 'supersede'])
})

test.each(['cancel', 'retry', 'delete'] as const)(
  'what stands in a filter of %s is a value, whatever it is',
  async (verb) => {
    const { jobs, sql } = await setup({ cool })
    await jobs.insertMany([
      { task: cool.plain!, args: {} },
      { task: cool.plain!, args: {} },
    ])
    await jobs.cancel(1)
    const before = await sql`select id, status from jobmaster.jobs order by id`
    for (const text of hostile) {
      const filters = [
        { status: text },
        { task: text },
        { task: 'cool.plain', status: text },
        { task: 'cool.plain', limit: text },
        { [text]: 1, task: 'cool.plain' },
        { status: [text] },
      ]
      for (const filter of filters) {
        const call = sql(`select jobmaster.${verb}('${JSON.stringify(filter).replaceAll("'", "''")}'::jsonb)`)
        await expect(call, JSON.stringify(filter)).rejects.toMatchObject({ code: expect.stringMatching(/^JM00[18]$/) })
      }
    }
    expect(await sql`select id, status from jobmaster.jobs order by id`).toEqual(before)
  },
)

test('a task, a parameter, a system and arguments may be named by SQL, and stay names', async () => {
  const { jobs } = await setup({ cool }, { system: hostile[0]! })
  const [name] = Object.keys(cool).map((key) => `cool.${key}`)
  const { id } = await jobs.insert(name!, {})
  await jobs.insertMany(hostile.map((text) => ({ task: named, args: { "x'; --": text } })))
  await jobs.pause({ task: name! })
  await jobs.resume({ task: name! })
  expect((await jobs.list({ task: name! })).jobs).toHaveLength(hostile.length + 1)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: hostile.length + 1 })
  expect((await jobs.get(id))?.result).toEqual({ "x'; --": "'); drop table jobs; --" })
  expect(await jobs.delete({ task: name! })).toEqual({ jobs: hostile.length + 1, more: false })
})
