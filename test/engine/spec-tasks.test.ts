import * as v from 'valibot'
import { task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

// spec.md, "Tasks": without options, optional, select-from and write-all parameters, custom type keys.

const int = v.pipe(v.number(), v.integer())

test('a task without options has its parameters and their types, known by its module and its own name', async () => {
  const ran: unknown[] = []
  const my_tasks = { foo: task({ params: { a: int, b: int }, run: (args) => void ran.push(args) }) }
  const { jobs, sql } = await setup({ my_tasks })
  await sql(`call jobmaster.insert_job('my_tasks', 'foo', 1, '{"a": 1, "b": 2}'::json)`)
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual([{ a: 1, b: 2 }])

  const insert = (args: string) => sql(`call jobmaster.insert_job('my_tasks', 'foo', 1, '${args}'::json)`)
  await expect(insert('{"a": 1, "b": "2"}')).rejects.toThrow(/^my_tasks\.foo: "b" must be .*, got string$/)
  await expect(insert('{"a": 1.5, "b": 2}')).rejects.toThrow(/^my_tasks\.foo: "a" must be /)
  await expect(insert('{"a": 1}')).rejects.toThrow('my_tasks.foo: missing argument "b"')
})

test('an optional parameter has its default where the job gives none', async () => {
  const ran: unknown[] = []
  const my_tasks = {
    foo: task({
      params: { a: v.optional(int, 1), b: v.optional(int, 2) },
      run: (args) => void ran.push(args),
    }),
  }
  const { jobs, sql } = await setup({ my_tasks })
  await sql(`call jobmaster.insert_job('my_tasks', 'foo', 1, '{}'::json)`)
  await sql(`call jobmaster.insert_job('my_tasks', 'foo', 1, '{"b": 20}'::json)`)
  await jobs.insert(my_tasks.foo, { a: 10 })
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(ran).toEqual([
    { a: 1, b: 2 },
    { a: 1, b: 20 },
    { a: 10, b: 2 },
  ])
})

test('defaults are written into the stored arguments, so that a row says all that its job runs with', async () => {
  const my_tasks = { foo: task({ params: { a: v.optional(int, 1), b: v.optional(int, 2) }, run: () => {} }) }
  const { jobs } = await setup({ my_tasks })
  const job = await jobs.insert(my_tasks.foo, { b: 3 })
  expect(job.args).toEqual({ a: 1, b: 3 })
  expect((await jobs.get(job.id))?.args).toEqual({ a: 1, b: 3 })
})

test.each([
  { kind: 'a picklist', schema: v.picklist([1, 2, 3]), valid: [1, 2, 3], invalid: [0, 4, '1', null, true] },
  { kind: 'an enum', schema: v.enum({ Red: 'r', Blue: 'b' }), valid: ['r', 'b'], invalid: ['Red', 'R', ''] },
  {
    kind: 'a union of literals',
    schema: v.union([v.literal('day'), v.literal(7), v.literal(false)]),
    valid: ['day', 7, false],
    invalid: ['7', true, 'month'],
  },
  { kind: 'a boolean', schema: v.boolean(), valid: [true, false], invalid: ['true', 1, null] },
])('select-from: of $kind only the options are valid', async ({ schema, valid, invalid }) => {
  const ran: unknown[] = []
  const { jobs, sql } = await setup({
    my_tasks: { foo: task({ params: { b: schema }, run: ({ b }) => void ran.push(b) }) },
  })
  for (const b of valid) await sql`select jobmaster.enqueue('my_tasks', 'foo', ${JSON.stringify({ b })}::jsonb)`
  for (const b of invalid) {
    await expect(
      sql`select jobmaster.enqueue('my_tasks', 'foo', ${JSON.stringify({ b })}::jsonb)`,
      JSON.stringify(b),
    ).rejects.toThrow(/^my_tasks\.foo: "b" must be .*, got /)
  }
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(ran).toEqual(valid)
})

test('write-all: a job with "ALL" is not run, but becomes one job for each option', async () => {
  const ran: unknown[] = []
  const my_tasks = {
    foo: task({
      params: { a: int, b: v.picklist([1, 2, 3]) },
      writeAll: ['b'],
      run: (args) => void ran.push(args),
    }),
  }
  const { jobs, sql } = await setup({ my_tasks })
  const [all] = await sql(`call jobmaster.insert_job('my_tasks', 'foo', 10, '{"a": 1, "b": "ALL"}'::json)`)
  expect(await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })).toMatchObject({ expanded: 1, completed: 3 })
  expect(ran).toEqual([
    { a: 1, b: 1 },
    { a: 1, b: 2 },
    { a: 1, b: 3 },
  ])
  expect((await jobs.get(all!.id))?.status).toBe('expanded')
  expect((await jobs.list({ status: 'completed' })).jobs).toMatchObject([
    { args: { a: 1, b: 3 }, priority: 10, parentId: all!.id },
    { args: { a: 1, b: 2 }, priority: 10, parentId: all!.id },
    { args: { a: 1, b: 1 }, priority: 10, parentId: all!.id },
  ])
})

test('write-all: the job is expanded when it is run, and not when it is inserted', async () => {
  const foo = task({ params: { b: v.picklist([1, 2, 3]) }, writeAll: ['b'], run: () => {} })
  const { jobs } = await setup({ my_tasks: { foo } })
  await jobs.insert(foo, { b: 'ALL' })
  expect((await jobs.list()).jobs).toMatchObject([{ args: { b: 'ALL' }, status: 'waiting' }])
})

test('write-all: several parameters multiply, and those given a value keep it', async () => {
  const ran: string[] = []
  const foo = task({
    params: { b: v.picklist([1, 2]), c: v.picklist(['x', 'y', 'z']), d: v.boolean() },
    writeAll: ['b', 'c', 'd'],
    run: ({ b, c, d }) => void ran.push(`${b} ${c} ${d}`),
  })
  const { jobs } = await setup({ my_tasks: { foo } })
  await jobs.insert(foo, { b: 'ALL', c: 'ALL', d: true })
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran.toSorted()).toEqual(['1 x true', '1 y true', '1 z true', '2 x true', '2 y true', '2 z true'])
})

test('write-all: one option at a time is still allowed', async () => {
  const ran: unknown[] = []
  const foo = task({ params: { b: v.picklist([1, 2, 3]) }, writeAll: ['b'], run: ({ b }) => void ran.push(b) })
  const { jobs } = await setup({ my_tasks: { foo } })
  await jobs.insert(foo, { b: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual([2])
})

test("write-all: 'ALL' is upper case", async () => {
  const foo = task({ params: { b: v.picklist([1, 2, 3]) }, writeAll: ['b'], run: () => {} })
  const { sql } = await setup({ my_tasks: { foo } })
  await expect(sql(`call jobmaster.insert_job('my_tasks', 'foo', 1, '{"b": "all"}'::json)`)).rejects.toThrow(
    /^my_tasks\.foo: "b" must be one of 1, 2, 3 \(or "ALL"\), got .*all/,
  )
})

test('a custom type key takes the place of the module’s', async () => {
  const ran: unknown[] = []
  const foo = task({
    typeKey: 'cool_tasks',
    writeAll: ['b'],
    params: { a: int, b: v.picklist([1, 2, 3]) },
    run: (args, ctx) => void ran.push([ctx.job.task, args]),
  })
  const { jobs, sql } = await setup({ my_tasks: { foo } })
  await sql(`call jobmaster.insert_job('cool_tasks', 'foo', 1, '{"a": 1, "b": 2}'::json)`)
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual([['cool_tasks.foo', { a: 1, b: 2 }]])
  await expect(sql(`call jobmaster.insert_job('my_tasks', 'foo', 1, '{"a": 1, "b": 2}'::json)`)).rejects.toThrow(
    'unknown task my_tasks.foo (known type keys: cool_tasks)',
  )
})

test('tasks of several modules may have one name: the type key tells them apart', async () => {
  const ran: string[] = []
  const foo = () => task({ params: {}, run: (_, ctx) => void ran.push(ctx.job.task) })
  const { jobs, sql } = await setup({ things1: { foo: foo() }, things2: { foo: foo() } })
  await sql(`call jobmaster.insert_job('things2', 'foo', 1, '{}'::json)`)
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual(['things2.foo'])
})
