import { setTimeout } from 'node:timers/promises'
import { dependsOn, NonRetriable, same, task } from 'jobmaster'
import * as v from 'valibot'

export const foo = task({
  description: 'Load a thing.',
  params: { a: v.number(), b: v.picklist([1, 2, 3]) },
  writeAll: ['b'],
  run: ({ a, b }) => ({ loaded: a * b }),
})

export const bar = task({
  params: { a: v.optional(v.number(), 1), b: v.picklist([1, 2, 3]), c: v.string() },
  dependencies: dependsOn(foo, { withinHours: 2, args: { a: 1, b: same } }),
  processUnits: 20,
  run: ({ c }) => c,
})

/** Says where it is on stdout: what a handler prints is no part of a command's answer. */
export const slow = task({
  params: { ms: v.number() },
  async run({ ms }, { signal }) {
    console.log('slow began')
    await setTimeout(ms, undefined, { signal })
    console.log('slow ended')
  },
})

export const broken = task({
  params: { message: v.string() },
  run({ message }) {
    throw new NonRetriable(message)
  },
})
