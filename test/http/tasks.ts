import { dependsOn, same, task } from 'jobmaster'
import * as v from 'valibot'

export const foo = task({
  description: 'Load the figures of a region.',
  params: { a: v.optional(v.number(), 1), b: v.picklist([1, 2, 3]) },
  writeAll: ['b'],
  run: ({ a, b }) => ({ sum: a + b }),
})

export const bar = task({
  params: { b: v.picklist([1, 2, 3]), c: v.string() },
  dependencies: dependsOn(foo, { withinHours: 2, args: { a: 1, b: same } }),
  run: ({ c }) => ({ c }),
})

export const bad = task({
  params: {},
  maxAttempts: 1,
  run: () => {
    throw new Error('it does not work')
  },
})
