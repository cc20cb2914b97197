import { dependsOn, same, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

/** A task that notes its number, and what it ran with. */
function numbers() {
  const seen: unknown[] = []
  const base = task({
    params: { n: v.number() },
    run({ n }) {
      seen.push(n)
      return { double: n * 2 }
    },
  })
  return { seen, base }
}

test.each([
  ['same is the argument of the same name', same, 7, 7],
  ['same.plus adds to it', same.plus(3), 7, 10],
  ['same.minus takes away from it', same.minus(0.5), 7, 6.5],
  ['same.times multiplies it', same.times(1.1), 3, 3.3],
  ['same.dividedBy divides it', same.dividedBy(4), 7, 1.75],
])('%s', async (_, reference, given, expected) => {
  const { seen, base } = numbers()
  const top = task({ params: { n: v.number() }, dependencies: dependsOn(base, { args: { n: reference } }), run() {} })
  const { jobs } = await setup({ cool: { base, top } })
  await jobs.insert(top, { n: given })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(2)
  expect(seen).toEqual([expected])
})

test('a computed argument equals the number that it comes to', async () => {
  const { seen, base } = numbers()
  const top = task({
    params: { n: v.number() },
    dependencies: dependsOn(base, { args: { n: same.dividedBy(2) } }),
    run() {},
  })
  const { jobs } = await setup({ cool: { base, top } })
  await jobs.insert(base, { n: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.insert(top, { n: 4 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, blocked: 0 })
  expect(seen).toEqual([2])
})

test('same.as reads another parameter', async () => {
  const { seen, base } = numbers()
  const top = task({
    params: { year: v.number() },
    dependencies: dependsOn(base, { args: { n: same.as('year') } }),
    run() {},
  })
  const { jobs } = await setup({ cool: { base, top } })
  await jobs.insert(top, { year: 1999 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(seen).toEqual([1999])
})

test('a dependency may be named', async () => {
  const { seen, base } = numbers()
  const top = task({
    params: { n: v.number() },
    dependencies: dependsOn('other.base', { args: { n: same } }),
    run() {},
  })
  const { jobs } = await setup({ cool: { top }, other: { base } })
  await jobs.insert(top, { n: 5 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(seen).toEqual([5])
})

test("same reads the dependent's default where the job was inserted without the argument", async () => {
  const { seen, base } = numbers()
  const top = task({
    params: { n: v.optional(v.number(), 12) },
    dependencies: dependsOn(base, { args: { n: same } }),
    run() {},
  })
  const { jobs } = await setup({ cool: { base, top } })
  await jobs.insert(top, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(seen).toEqual([12])
})

test('ctx.dependencies.of gives the jobs that met a dependency: id, arguments and result', async () => {
  const { base } = numbers()
  let met: unknown
  const top = task({
    params: { n: v.number() },
    dependencies: dependsOn(base, { args: { n: same } }),
    run(_, ctx) {
      met = ctx.dependencies.of(base)
    },
  })
  const { jobs } = await setup({ cool: { base, top } })
  await jobs.insert(top, { n: 21 })
  await jobs.runUntilEmpty(deadlineIn())
  const source = (await jobs.list({ task: 'cool.base' })).jobs[0]!
  expect(met).toEqual([{ id: source.id, args: { n: 21 }, result: { double: 42 } }])
})

test('it gives the same where the dependency was fresh, by name too, and nothing for a task that is none', async () => {
  const { base } = numbers()
  const met: unknown[] = []
  const top = task({
    params: { n: v.number() },
    dependencies: dependsOn(base, { args: { n: same } }),
    run(_, ctx) {
      met.push(ctx.dependencies.of('cool.base'), ctx.dependencies.of(top))
    },
  })
  const { jobs } = await setup({ cool: { base, top } })
  const source = await jobs.insert(base, { n: 21 })
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.insert(top, { n: 21 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(met).toEqual([[{ id: source.id, args: { n: 21 }, result: { double: 42 } }], []])
})

test('once the job that met a dependency is pruned its result is null', async () => {
  const { base } = numbers()
  let met: unknown
  const top = task({
    params: { n: v.number() },
    dependencies: dependsOn(base, { args: { n: same } }),
    run(_, ctx) {
      met = ctx.dependencies.of(base)
    },
  })
  const { jobs } = await setup({ cool: { base, top } })
  const source = await jobs.insert(base, { n: 21 })
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.prune({ completed: '0 seconds' })
  await jobs.insert(top, { n: 21 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(met).toEqual([{ id: source.id, args: { n: 21 }, result: null }])
})

test('each of many jobs is given its own, once, whichever of its dependencies were fresh', async () => {
  const { base } = numbers()
  const other = task({
    params: { n: v.picklist([1, 2, 3]) },
    writeAll: ['n'],
    run: ({ n }) => n,
  })
  const met = new Map<number, unknown[]>()
  const top = task({
    params: { n: v.number() },
    dependencies: [
      dependsOn(base, { withinHours: 24, args: { n: same } }),
      dependsOn(other, { withinHours: 24, args: { n: 'ALL' } }),
      dependsOn(base, { withinHours: 24, args: { n: same.plus(1) } }),
    ],
    run({ n }, ctx) {
      met.set(
        n,
        [...ctx.dependencies.of(base), ...ctx.dependencies.of(other)].map(({ args }) => args),
      )
    },
  })
  const { jobs } = await setup({ cool: { base, other, top } })
  await jobs.insertMany([0, 1, 2].map((n) => ({ task: base, args: { n } })))
  await jobs.insert(other, { n: 'ALL' })
  await jobs.runUntilEmpty(deadlineIn())
  const given = [0, 1, 2, 3, 4]
  await jobs.insertMany(given.map((n) => ({ task: top, args: { n } })))
  const report = await jobs.runUntilEmpty(deadlineIn())
  // The first two can run at once, and the others after base of 3, 4 and 5.
  expect(report).toMatchObject({ completed: 8, blocked: 3 })
  expect([...met].toSorted(([left], [right]) => left - right)).toEqual(
    given.map((n) => [n, [{ n }, { n: n + 1 }, { n: 1 }, { n: 2 }, { n: 3 }]]),
  )
})
