import * as v from 'valibot'
import { dependsOn, same, task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from './support/deadline.ts'
import { setup } from './support/jobs.ts'

// What any client that speaks SQL may call. The view and explain are in sql-surface-queue.test.ts.

const foo = task({
  params: { a: v.number(), b: v.picklist([1, 2, 3]) },
  writeAll: ['b'],
  run: () => {},
})
const bar = task({
  params: { a: v.optional(v.number(), 1), b: v.picklist([1, 2, 3]), c: v.string() },
  writeAll: ['b'],
  dependencies: dependsOn(foo, { withinHours: 2, args: { a: 1, b: same } }),
  run: () => {},
})
const cool = { foo, bar }

test.each(["'…'::json", "'…'::jsonb", "'…'", "'…'::text"])(
  'insert_job takes its arguments as %s, and answers the id of the job',
  async (written) => {
    const { jobs, sql } = await setup({ cool })
    const args = written.replace('…', '{"b": 2, "c": "x"}')
    const [row] = await sql(`call jobmaster.insert_job('cool', 'bar', 10, ${args})`)
    expect(await jobs.get(row!.id)).toMatchObject({
      task: 'cool.bar',
      priority: 10,
      args: { a: 1, b: 2, c: 'x' },
      status: 'waiting',
    })
  },
)

test.each(["'…'::json", "'…'::jsonb", "'…'", "'…'::text"])(
  'enqueue takes its arguments as %s, and returns the id of the job',
  async (written) => {
    const { jobs, sql } = await setup({ cool })
    const args = written.replace('…', '{"b": 2, "c": "x"}')
    const [row] = await sql(`select jobmaster.enqueue('cool', 'bar', ${args}) as id`)
    expect(await jobs.get(row!.id)).toMatchObject({ task: 'cool.bar', priority: 0, args: { a: 1, b: 2, c: 'x' } })
  },
)

test('enqueue takes priority and run_at by name', async () => {
  const { jobs, sql, clock } = await setup({ cool })
  const [row] = await sql(
    `select jobmaster.enqueue('cool', 'bar', '{"b": 2, "c": "x"}', priority => 10, run_at => now() + interval '1 hour') as id`,
  )
  const job = (await jobs.get(row!.id))!
  expect(job).toMatchObject({ priority: 10, status: 'scheduled' })
  expect(job.runAt.getTime() - job.createdAt.getTime()).toBeCloseTo(3_600_000, -3)

  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, nextWakeAt: expect.any(Date) })
  await clock.advance({ minutes: 61 })
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.get(job.id))?.status).toBe('completed')
})

test('every argument can be named, of insert_job and of enqueue', async () => {
  const { jobs, sql } = await setup({ cool })
  await sql(
    `call jobmaster.insert_job(task_key => 'foo', type_key => 'cool', args => '{"a": 1, "b": 2}', priority => 3)`,
  )
  await sql(`select jobmaster.enqueue(args => '{"a": 1, "b": 2}', task_key => 'foo', type_key => 'cool')`)
  await sql(
    `select jobmaster.enqueue(args => '{"a": 1, "b": 2}'::json, task_key => 'foo', type_key => 'cool', priority => 4)`,
  )
  expect((await jobs.list()).jobs.map(({ priority }) => priority)).toEqual([4, 0, 3])
})

test('enqueue without arguments inserts a job of a task that needs none', async () => {
  const { jobs, sql } = await setup({ plain: { tick: task({ params: {}, run: () => {} }) } })
  await sql(`select jobmaster.enqueue('plain', 'tick')`)
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
})

test('a run_at that has passed, or none, makes a job that may run now', async () => {
  const { jobs, sql } = await setup({ cool })
  await sql(`select jobmaster.enqueue('cool', 'foo', '{"a": 1, "b": 2}', run_at => now() - interval '1 hour')`)
  await sql(`select jobmaster.enqueue('cool', 'foo', '{"a": 1, "b": 2}', run_at => null)`)
  expect((await jobs.list()).jobs.map(({ status }) => status)).toEqual(['waiting', 'waiting'])
})

test('an insert is part of its transaction: rolled back, there is no job', async () => {
  const { jobs, sql } = await setup({ cool })
  await sql(`begin; call jobmaster.insert_job('cool', 'foo', 1, '{"a": 1, "b": 2}'); rollback`)
  expect((await jobs.list()).jobs).toEqual([])
})

test('a trigger can insert jobs: by enqueue, or by insert_job with a variable for the id', async () => {
  const { jobs, sql } = await setup({ cool })
  await sql(`
    create table figures (a integer);
    create function figures_changed() returns trigger language plpgsql as $$
    declare
      id bigint;
    begin
      perform jobmaster.enqueue('cool', 'foo', json_build_object('a', new.a, 'b', 1));
      call jobmaster.insert_job('cool', 'foo', 5, json_build_object('a', id, 'b', 2), id);
      return new;
    end $$;
    create trigger figures_changed after insert on figures for each row execute function figures_changed()`)
  await expect(sql`insert into figures values (41)`).rejects.toThrow('cool.foo: "a" must be a number, got null')
  expect((await jobs.list()).jobs).toEqual([])

  await sql(`
    create or replace function figures_changed() returns trigger language plpgsql as $$
    declare
      id bigint;
    begin
      perform jobmaster.enqueue('cool', 'foo', json_build_object('a', new.a, 'b', 1));
      call jobmaster.insert_job('cool', 'foo', 5, json_build_object('a', new.a, 'b', 2), id);
      return new;
    end $$`)
  await sql`insert into figures values (41)`
  expect((await jobs.list()).jobs.map(({ args }) => args)).toEqual([
    { a: 41, b: 2 },
    { a: 41, b: 1 },
  ])
})

test.each([
  ['cool', 'baz', '{}', 'JM001', 'unknown task cool.baz (known in cool: bar, foo)'],
  ['warm', 'bar', '{}', 'JM001', 'unknown task warm.bar (known type keys: cool)'],
  ['cool', 'bar', '{"b": 2}', 'JM002', 'cool.bar: missing argument "c"'],
  ['cool', 'bar', '{"c": "x"}', 'JM002', 'cool.bar: missing argument "b"'],
  ['cool', 'bar', '{"b": 4, "c": "x"}', 'JM004', 'cool.bar: "b" must be one of 1, 2, 3 (or "ALL"), got 4'],
  ['cool', 'bar', '{"b": 2, "c": "x", "d": 1}', 'JM003', 'cool.bar: unknown argument "d"'],
  ['cool', 'bar', '{"b": 2, "c": 5}', 'JM004', 'cool.bar: "c" must be a string, got number'],
  ['cool', 'bar', '{"b": 2, "c": null}', 'JM004', 'cool.bar: "c" must be a string, got null'],
  ['cool', 'bar', '{"a": "1", "b": 2, "c": "x"}', 'JM004', 'cool.bar: "a" must be a number, got string'],
  [
    'cool',
    'bar',
    '{"a": "ALL", "b": 2, "c": "x"}',
    'JM007',
    'cool.bar: "a" is not a write-all parameter, so it cannot be "ALL"',
  ],
  ['cool', 'bar', '[1, 2]', 'JM006', 'cool.bar: args must be a JSON object, got array'],
  ['cool', 'bar', '"b"', 'JM006', 'cool.bar: args must be a JSON object, got string'],
  ['cool', 'bar', '7', 'JM006', 'cool.bar: args must be a JSON object, got number'],
  ['cool', 'bar', 'true', 'JM006', 'cool.bar: args must be a JSON object, got boolean'],
  ['cool', 'bar', 'null', 'JM006', 'cool.bar: args must be a JSON object, got null'],
])('a bad insert raises and inserts nothing: %s.%s %s is %s', async (typeKey, taskKey, args, code, message) => {
  const { jobs, sql } = await setup({ cool })
  const refusal = { code, message }
  for (const type of ['json', 'jsonb', 'text']) {
    await expect(
      sql(`call jobmaster.insert_job('${typeKey}', '${taskKey}', 1, '${args}'::${type})`),
    ).rejects.toMatchObject(refusal)
    await expect(sql(`select jobmaster.enqueue('${typeKey}', '${taskKey}', '${args}'::${type})`)).rejects.toMatchObject(
      refusal,
    )
  }
  await expect(jobs.insert(`${typeKey}.${taskKey}`, JSON.parse(args))).rejects.toMatchObject(refusal)
  expect((await jobs.list()).jobs).toEqual([])
})

test('arguments that are null in SQL are no object either', async () => {
  const { jobs, sql } = await setup({ cool })
  for (const type of ['json', 'jsonb', 'text']) {
    await expect(sql(`call jobmaster.insert_job('cool', 'foo', 1, null::${type})`)).rejects.toMatchObject({
      code: 'JM006',
      message: 'cool.foo: args must be a JSON object, got null',
    })
  }
  expect((await jobs.list()).jobs).toEqual([])
})

test('a task of null is unknown', async () => {
  const { sql } = await setup({ cool })
  await expect(sql(`call jobmaster.insert_job('cool', null, 1, '{}')`)).rejects.toMatchObject({ code: 'JM001' })
})

test('text that is not JSON is refused by Postgres', async () => {
  const { jobs, sql } = await setup({ cool })
  await expect(sql(`call jobmaster.insert_job('cool', 'foo', 1, '{"a": ')`)).rejects.toMatchObject({ code: '22P02' })
  expect((await jobs.list()).jobs).toEqual([])
})

test.each([1_000_000_001, -1_000_000_001])('a priority beyond a thousand million is refused: %d', async (priority) => {
  const { jobs, sql } = await setup({ cool })
  await expect(sql(`call jobmaster.insert_job('cool', 'foo', ${priority}, '{"a": 1, "b": 2}')`)).rejects.toMatchObject({
    code: 'JM008',
    message: `cool.foo: priority must be a whole number between -1000000000 and 1000000000, got ${priority}`,
  })
  expect((await jobs.list()).jobs).toEqual([])
})

test.each(['infinity', '-infinity', '290000-01-01'])(
  'a run_at that is no time of this world is refused: %s',
  async (runAt) => {
    const { jobs, sql } = await setup({ cool })
    const insert = sql(`select jobmaster.enqueue('cool', 'foo', '{"a": 1, "b": 2}', run_at => '${runAt}')`)
    await expect(insert).rejects.toMatchObject({
      code: 'JM008',
      message: expect.stringContaining('cool.foo: run_at must be'),
    })
    expect((await jobs.list()).jobs).toEqual([])
    expect((await jobs.runUntilEmpty(deadlineIn())).stopReason).toBe('empty')
  },
)

test('"ALL" that stands for more than 10,000 combinations is refused', async () => {
  const digits = v.picklist([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const wide = task({
    params: { k: digits, l: digits, m: digits, n: digits, o: digits },
    writeAll: ['k', 'l', 'm', 'n', 'o'],
    run: () => {},
  })
  const { jobs, sql } = await setup({ cool: { wide } })
  await expect(
    sql(`call jobmaster.insert_job('cool', 'wide', 1, '{"k": "ALL", "l": "ALL", "m": "ALL", "n": "ALL", "o": "ALL"}')`),
  ).rejects.toMatchObject({ code: 'JM009', message: expect.stringMatching(/^cool\.wide: .*100000 .*10000/) })
  expect((await jobs.list()).jobs).toEqual([])
})

test('where one job of several is refused none is inserted, and the error says which it was', async () => {
  const { jobs } = await setup({ cool })
  await expect(
    jobs.insertMany([
      { task: foo, args: { a: 1, b: 1 } },
      { task: foo, args: { a: 2, b: 9 as 1 } },
      { task: foo, args: { a: 3, b: 3 } },
    ]),
  ).rejects.toMatchObject({
    code: 'JM004',
    message: 'cool.foo: "b" must be one of 1, 2, 3 (or "ALL"), got 9 (job 2 of 3; none was inserted)',
  })
  expect((await jobs.list()).jobs).toEqual([])
})

test('of several jobs that are refused, of whatever task and for whatever reason, the error names the first', async () => {
  const { sql } = await setup({ cool })
  const fits = [
    { task: 'cool.foo', args: { a: 1, b: 1 } },
    { task: 'cool.bar', args: { b: 2, c: 'x' } },
  ]
  const refused = [
    { task: 'cool.bar', args: { b: 9, c: 'x' } },
    { task: 'cool.foo', args: { a: 1, b: 1 }, priority: 0.5 },
    { task: 'cool.none', args: {} },
    { task: 'cool.foo', args: { a: 1, b: 1 }, run_at: 'infinity' },
    { task: 'cool.foo', args: { b: 1 }, unique_key: 'k' },
  ]
  const codes = ['JM004', 'JM008', 'JM001', 'JM008', 'JM002']
  for (const [turn, code] of codes.entries()) {
    const items = [...fits, ...refused.slice(turn), ...refused.slice(0, turn)]
    await expect(sql`select jobmaster.insert_jobs(${JSON.stringify(items)}::text::jsonb)`).rejects.toMatchObject({
      code,
      detail: 'job 3 of 7; none was inserted',
    })
  }
})
