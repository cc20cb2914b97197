import { dependsOn, same, task } from 'jobmaster'
import * as v from 'valibot'

export const foo = task({
  params: { a: v.number(), b: v.picklist([1, 2, 3]) },
  writeAll: ['b'],
  run: ({ a, b }) => ({ loaded: a * b }),
})

export const bar = task({
  params: { a: v.optional(v.number(), 1), b: v.picklist([1, 2, 3]), c: v.string() },
  writeAll: ['b'],
  dependencies: dependsOn(foo, { withinHours: 2, args: { a: 1, b: same } }),
  run: ({ b, c }, ctx) => ({ b, c, loaded: ctx.dependencies.of(foo)[0]?.result?.loaded ?? 0 }),
})
