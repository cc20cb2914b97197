import { type Context, dependsOn, NonRetriable, task } from 'jobmaster'
import { fakeContext, perform } from 'jobmaster/testing'
import * as v from 'valibot'
import { expect, expectTypeOf, test } from 'vitest'

const foo = task({
  params: {
    a: v.optional(v.number(), 7),
    day: v.optional(
      v.pipe(
        v.string(),
        v.transform((text) => new Date(text)),
      ),
    ),
  },
  run: ({ a, day }) => ({ next: a + 1, day: day?.getUTCDate() ?? null }),
})
const bar = task({
  params: {},
  dependencies: dependsOn(foo),
  async run(_, ctx: Context) {
    const [met] = ctx.dependencies.of(foo)
    await ctx.insert(foo, { a: met?.result?.next ?? 0 }, { priority: 2 })
    ctx.waitUntil(Promise.resolve('sent'))
    if (ctx.signal.aborted) throw new NonRetriable('stopped')
  },
})

test('a handler runs without a database, on parsed arguments with their defaults', async () => {
  const result = await perform(foo, { day: '2030-01-31' })
  expectTypeOf(result).toEqualTypeOf<{ next: number; day: number | null } | null>()
  expect(result).toEqual({ next: 8, day: 31 })
})

test('what a handler inserts and keeps waiting is written down', async () => {
  const context = fakeContext({ dependencies: [[foo, { result: { next: 3, day: null } }]] })
  expect(await perform(bar, {}, context)).toBeNull()
  expect(context.inserted).toEqual([{ task: foo, args: { a: 3 }, options: { priority: 2 } }])
  expect(await Promise.all(context.waited)).toEqual(['sent'])
})

test('what a handler throws is thrown', async () => {
  const context = fakeContext({ signal: AbortSignal.abort() })
  await expect(perform(bar, {}, context)).rejects.toBeInstanceOf(NonRetriable)
})

test('arguments that its params refuse are refused', async () => {
  await expect(perform(foo, { a: 'x' } as object)).rejects.toMatchObject({ code: 'JM004' })
  await expect(perform(foo, { b: 1 } as object)).rejects.toThrow('unknown argument "b"')
  await expect(perform(foo, { a: Number.NaN })).rejects.toThrow('args.a is NaN')
})

test('a result that is not JSON is refused', async () => {
  const date = task({ params: {}, run: () => new Date() as unknown as string })
  await expect(perform(date, {})).rejects.toThrow('result is a Date')
})

test('what a handler says of its progress and logs is written down, as it would be kept', async () => {
  const load = task({
    params: {},
    run(_, ctx) {
      ctx.progress(0.5, 'half')
      ctx.log('rows', { count: 2 })
      ctx.progress(2)
    },
  })
  const context = fakeContext()
  await expect(perform(load, {}, context)).rejects.toMatchObject({ code: 'JM008' })
  expect(context.told).toEqual([{ value: 0.5, message: 'half' }])
  expect(context.logged).toEqual(['rows {"count":2}'])
})
