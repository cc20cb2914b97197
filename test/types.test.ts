import { sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { type Args, type Context, createJobMaster, dependsOn, type Json, same, task } from 'jobmaster'
import * as v from 'valibot'
import { expectTypeOf, test } from 'vitest'

// Everything here is checked by tsc; nothing is run against a database.
const foo = task({
  params: { a: v.number(), b: v.picklist([1, 2, 3]), note: v.optional(v.string(), '-') },
  writeAll: ['b'],
  run: async ({ a, b }) => ({ sum: a + b }),
})

test('run gets the output types of the params', () => {
  task({
    params: {
      a: v.optional(v.number(), 1),
      b: v.picklist([1, 2, 3]),
      c: v.optional(v.string()),
      day: v.pipe(
        v.string(),
        v.isoDate(),
        v.transform((text) => new Date(text)),
      ),
    },
    run(args, ctx) {
      expectTypeOf(args).toEqualTypeOf<{ a: number; b: 1 | 2 | 3; c?: string | undefined; day: Date }>()
      expectTypeOf(ctx).toEqualTypeOf<Context>()
    },
  })
})

test('insert takes the input types of the params, and ALL for write-all params alone', () => {
  expectTypeOf<Args<typeof foo>>().toEqualTypeOf<{ a: number; b: 1 | 2 | 3 | 'ALL'; note?: string }>()
  expectTypeOf<Args<'cool.foo'>>().toEqualTypeOf<Record<string, Json>>()

  const jobs = () => createJobMaster({ db: {}, tasks: { cool: { foo } } })
  void (async () => {
    await jobs().insert(foo, { a: 1, b: 2 })
    await jobs().insert(foo, { a: 1, b: 'ALL', note: 'x' }, { priority: 10, runAt: new Date() })
    await jobs().insert('cool.foo', { a: 1, b: 2 })
    // @ts-expect-error b is missing
    await jobs().insert(foo, { a: 1 })
    // @ts-expect-error 4 is no option
    await jobs().insert(foo, { a: 1, b: 4 })
    // @ts-expect-error a is no write-all parameter
    await jobs().insert(foo, { a: 'ALL', b: 1 })
    // @ts-expect-error there is no parameter c
    await jobs().insert(foo, { a: 1, b: 1, c: 1 })
    // @ts-expect-error undefined is not left out
    await jobs().insert(foo, { a: 1, b: 1, note: undefined })
    // @ts-expect-error an option that there is not
    await jobs().insert(foo, { a: 1, b: 1 }, { prio: 1 })
    // @ts-expect-error a Date is not JSON
    await jobs().insert('cool.foo', { a: new Date() })
  })
})

test('insertMany checks each item against its own task', () => {
  const other = task({ params: { name: v.string() }, run() {} })
  const jobs = () => createJobMaster({ db: {}, tasks: { cool: { foo, other } } })
  void (async () => {
    await jobs().insertMany([
      { task: foo, args: { a: 1, b: 2 }, priority: 5 },
      { task: other, args: { name: 'x' } },
    ])
    await jobs().insertMany([
      { task: foo, args: { a: 1, b: 2 } },
      // @ts-expect-error name is missing
      { task: other, args: { a: 1 } },
    ])
  })
})

test('the arguments of a dependency are checked against its target', () => {
  dependsOn(foo)
  dependsOn(foo, { withinHours: 2, args: { a: 1, b: same, note: same.as('c') } })
  dependsOn(foo, { args: { a: same.plus(1), b: 'ALL' } })
  dependsOn('cool.foo', { withinHours: 2, args: { anything: 1, b: same } })
  // @ts-expect-error a is a number
  dependsOn(foo, { args: { a: 'x' } })
  // @ts-expect-error there is no parameter c
  dependsOn(foo, { args: { c: 1 } })
  // @ts-expect-error there is no parameter c, whatever it is the same as
  dependsOn(foo, { args: { c: same } })
  // @ts-expect-error hours are a number
  dependsOn(foo, { withinHours: '2' })
})

test('same asks for a parameter of that name and a compatible type', () => {
  const run = () => {}
  const params = { b: v.picklist([1, 2]), n: v.optional(v.number()), text: v.string() }
  task({ params, dependencies: dependsOn(foo, { args: { a: same.as('n'), b: same, note: same.as('text') } }), run })
  task({ params, dependencies: [dependsOn(foo, { args: { a: 1 } }), dependsOn(foo)], run })
  task({ params: { a: v.number() }, dependencies: dependsOn(foo, { args: { a: same.times(2) } }), run })

  // @ts-expect-error same: this task has no parameter "a"
  task({ params, dependencies: dependsOn(foo, { args: { a: same } }), run })
  // @ts-expect-error same: "text" has an incompatible type here
  task({ params, dependencies: dependsOn(foo, { args: { a: same.as('text') } }), run })
  // @ts-expect-error same: "b" has an incompatible type here, with an option that foo does not have
  task({ params: { b: v.picklist([1, 9]) }, dependencies: dependsOn(foo, { args: { b: same } }), run })
  // @ts-expect-error same: "a" is no number here
  task({ params: { a: v.string() }, dependencies: dependsOn(foo, { args: { a: same.plus(1) } }), run })
  // @ts-expect-error same: in an array too
  task({ params, dependencies: [dependsOn(foo), dependsOn(foo, { args: { a: same } })], run })
  // @ts-expect-error same: with a named target too
  task({ params, dependencies: dependsOn('cool.foo', { args: { z: same } }), run })
})

test('writeAll takes the names of params with fixed options', () => {
  const run = () => {}
  const params = {
    flag: v.boolean(),
    letter: v.nullable(v.union([v.literal('a'), v.literal('b')])),
    b: v.optional(v.picklist([1, 2]), 1),
    n: v.number(),
  }
  const all = task({ params, writeAll: ['flag', 'letter', 'b'], run })
  expectTypeOf<Args<typeof all>>().toEqualTypeOf<{
    flag: boolean | 'ALL'
    letter: 'a' | 'b' | null | 'ALL'
    b?: 1 | 2 | 'ALL'
    n: number
  }>()
  // @ts-expect-error n has no fixed options
  task({ params, writeAll: ['n'], run })
  // @ts-expect-error there is no parameter c
  task({ params, writeAll: ['c'], run })
  // @ts-expect-error no parameter here has fixed options
  task({ params: { n: v.number() }, writeAll: ['n'], run })
})

test('a result is JSON, and dependencies.of gives it back with its type', () => {
  task({
    params: { b: v.picklist([1, 2, 3]) },
    dependencies: dependsOn(foo, { args: { b: same } }),
    run(_, { dependencies }) {
      const [met] = dependencies.of(foo)
      expectTypeOf(met!.result).toEqualTypeOf<{ sum: number } | null>()
      expectTypeOf(met!.args.b).toEqualTypeOf<1 | 2 | 3>()
      expectTypeOf(dependencies.of('cool.foo')[0]!.result).toEqualTypeOf<Json>()
    },
  })
  // @ts-expect-error a Date is not JSON
  task({ params: {}, run: async () => ({ at: new Date() }) })
  // @ts-expect-error nor is a function
  task({ params: {}, run: () => ({ f: () => 1 }) })
})

test('a task needs params that are schemas, and options of their kind', () => {
  const run = () => {}
  // @ts-expect-error no schema
  task({ params: { a: 'string' }, run })
  // @ts-expect-error an option that there is not
  task({ params: {}, run, priority: 3 })
  // @ts-expect-error no number
  task({ params: {}, run, processUnits: '20' })
})

test('commit takes Drizzle queries that have not been awaited', () => {
  task({
    params: {},
    async run(_, ctx) {
      await ctx.commit()
      await ctx.commit(sql`select 1`, ctx.insertQuery(foo, { a: 1, b: 2 }))
      // @ts-expect-error a promise is no query
      await ctx.commit(Promise.resolve())
      // @ts-expect-error b is missing
      ctx.insertQuery(foo, { a: 1 })
    },
  })
})

test('an insert takes a transaction, the statement of one does not', () => {
  const jobs = () => createJobMaster({ db: {}, tasks: { cool: { foo } } })
  void ((tx: Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0]) => {
    void jobs().insert(foo, { a: 1, b: 2 }, { tx, priority: 5 })
    void jobs().insertMany([{ task: foo, args: { a: 1, b: 2 } }], { tx })
    // @ts-expect-error it is the whole call that is in a transaction
    void jobs().insertMany([{ task: foo, args: { a: 1, b: 2 }, tx }])
    // @ts-expect-error whoever runs the statement chooses where
    jobs().insertQuery(foo, { a: 1, b: 2 }, { tx })
  })
})
