import { dependsOn, NonRetriable, RetryAfter, same, task, type Task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

/** bar needs foo with a = 1 and its own b, completed in the past two hours. Both note that they ran. */
function fooAndBar(run: () => void | Promise<void> = () => {}) {
  const ran: string[] = []
  const foo = task({
    params: { a: v.number(), b: v.picklist([1, 2, 3]) },
    writeAll: ['b'],
    async run({ a, b }) {
      ran.push(`foo ${a} ${b}`)
      await run()
    },
  })
  const bar = task({
    params: { b: v.picklist([1, 2, 3]), c: v.optional(v.string(), '') },
    dependencies: dependsOn(foo, { withinHours: 2, args: { a: 1, b: same } }),
    run({ b, c }) {
      ran.push(`bar ${b}${c}`)
    },
  })
  return { ran, foo, bar, cool: { foo, bar } }
}

const statusOf = async (jobs: Awaited<ReturnType<typeof setup>>['jobs'], id: number) => (await jobs.get(id))?.status

test('a dependency that is not fresh is run once, first, and then its dependent', async () => {
  const { ran, bar, cool } = fooAndBar()
  const { jobs } = await setup({ cool })
  await jobs.insert(bar, { b: 2 })
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual(['foo 1 2', 'bar 2'])
  expect(report).toMatchObject({ completed: 2, blocked: 1, stopReason: 'empty' })
})

test('dependencies are looked at when a job is claimed, not when it is inserted', async () => {
  const { bar, cool } = fooAndBar()
  const { jobs } = await setup({ cool })
  await jobs.insert(bar, { b: 2 })
  expect((await jobs.list()).jobs).toHaveLength(1)
})

test('a blocked job holds no units and counts no attempt', async () => {
  const gate = new Gate()
  const { bar, cool } = fooAndBar(() => gate.pass())
  const { jobs } = await setup({ cool })
  const job = await jobs.insert(bar, { b: 2 })
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  expect(await jobs.get(job.id)).toMatchObject({ status: 'blocked', attempt: 0, failures: 0, system: null })
  expect((await jobs.status()).systems).toMatchObject([{ unitsInUse: 1 }])
  gate.open()
  await drained
  expect(await jobs.get(job.id)).toMatchObject({ status: 'completed', attempt: 1 })
})

test('a matching job that is waiting already is the one that is waited for', async () => {
  const { ran, foo, bar, cool } = fooAndBar()
  const { jobs } = await setup({ cool })
  await jobs.insert(bar, { b: 2 }, { priority: 9 })
  const old = await jobs.insert(foo, { a: 1, b: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual(['foo 1 2', 'bar 2'])
  expect((await jobs.list({ task: 'cool.foo' })).jobs.map(({ id }) => id)).toEqual([old.id])
})

test('a matching job that runs already is the one that is waited for', async () => {
  const gate = new Gate()
  const { ran, foo, bar, cool } = fooAndBar(() => gate.pass())
  const { jobs } = await setup({ cool })
  await jobs.insert(foo, { a: 1, b: 2 })
  // With a free slot it would look for more, and might be the one that blocks the dependent.
  const drained = jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  await gate.holds(1)
  const dependent = await jobs.insert(bar, { b: 2 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ blocked: 1, completed: 0, stopReason: 'empty' })
  expect(await statusOf(jobs, dependent.id)).toBe('blocked')
  gate.open()
  await drained
  expect(ran).toEqual(['foo 1 2', 'bar 2'])
})

test('a matching job that backs off is the one that is waited for', async () => {
  let failing = true
  const { ran, foo, bar, cool } = fooAndBar(() => {
    if (failing) throw new RetryAfter(60_000)
  })
  const { jobs, clock } = await setup({ cool })
  await jobs.insert(foo, { a: 1, b: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  failing = false
  const dependent = await jobs.insert(bar, { b: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(await statusOf(jobs, dependent.id)).toBe('blocked')
  await clock.advance({ minutes: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual(['foo 1 2', 'foo 1 2', 'bar 2'])
  expect((await jobs.list({ task: 'cool.foo' })).jobs).toHaveLength(1)
})

test('a matching job that is set for later is not waited for', async () => {
  const { ran, foo, bar, cool } = fooAndBar()
  const { jobs } = await setup({ cool })
  const later = await jobs.insert(foo, { a: 1, b: 2 }, { runAt: new Date(Date.now() + 3_600_000) })
  await jobs.insert(bar, { b: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual(['foo 1 2', 'bar 2'])
  expect(await statusOf(jobs, later.id)).toBe('scheduled')
})

test('a job that was set for later is waited for once it is due', async () => {
  const { ran, foo, bar, cool } = fooAndBar()
  const { jobs, clock } = await setup({ cool })
  await jobs.insert(foo, { a: 1, b: 2 }, { runAt: new Date(Date.now() + 3_600_000) })
  await clock.advance({ hours: 2 })
  await jobs.insert(bar, { b: 2 }, { priority: 5 })
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(ran).toEqual(['foo 1 2', 'bar 2'])
  expect((await jobs.list()).jobs).toHaveLength(2)
})

test('a job with ALL is not waited for', async () => {
  const { ran, foo, bar, cool } = fooAndBar()
  const { jobs } = await setup({ cool })
  await jobs.insert(foo, { a: 1, b: 'ALL' }, { priority: -5 })
  await jobs.insert(bar, { b: 2 })
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(ran).toEqual(['foo 1 2', 'bar 2', 'foo 1 1', 'foo 1 2', 'foo 1 3'])
})

test('two dependents that need the same job share it', async () => {
  const { ran, bar, cool } = fooAndBar()
  const { jobs } = await setup({ cool })
  await jobs.insertMany(['x', 'y', 'z'].map((c) => ({ task: bar, args: { b: 2, c } }) as const))
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual(['foo 1 2', 'bar 2x', 'bar 2y', 'bar 2z'])
})

test('dependents that concurrent invocations claim share one job too', async () => {
  const { ran, bar, cool } = fooAndBar()
  const { jobs } = await setup({ cool })
  await jobs.insertMany(
    Array.from({ length: 60 }, (_, index) => ({ task: bar, args: { b: 3 as const, c: String(index) } })),
  )
  await Promise.all([1, 2, 3].map(() => jobs.runUntilEmpty(deadlineIn(), { batchSize: 5 })))
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran.filter((name) => name.startsWith('foo'))).toEqual(['foo 1 3'])
  expect(new Set(ran).size).toBe(61)
  expect(ran).toHaveLength(61)
})

test('a chain runs from its end, however long it is', async () => {
  const ran: number[] = []
  const links: Record<string, Task> = {}
  for (let index = 0; index < 30; index += 1) {
    links[`link${index}`] = task({
      params: {},
      dependencies: index === 0 ? [] : [dependsOn(links[`link${index - 1}`]!)],
      run() {
        ran.push(index)
      },
    })
  }
  const { jobs } = await setup({ links })
  await jobs.insert('links.link29', {})
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(report).toMatchObject({ completed: 30, blocked: 29 })
  expect(ran).toEqual(Array.from({ length: 30 }, (_, index) => index))
})

test('a diamond runs what its sides share once', async () => {
  const ran: string[] = []
  const noting = (name: string, ...targets: Task[]) =>
    task({
      params: {},
      dependencies: targets.map((target) => dependsOn(target)),
      run() {
        ran.push(name)
      },
    })
  const base = noting('base')
  const left = noting('left', base)
  const right = noting('right', base)
  const top = noting('top', left, right)
  const { jobs } = await setup({ diamond: { base, left, right, top } })
  await jobs.insert(top, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toHaveLength(4)
  expect(ran[0]).toBe('base')
  expect(ran.slice(1, 3).toSorted()).toEqual(['left', 'right'])
  expect(ran[3]).toBe('top')
})

test('a job is blocked on all its stale dependencies at once', async () => {
  const gate = new Gate()
  const slow = () => task({ params: {}, run: () => gate.pass() })
  const [one, two, three] = [slow(), slow(), slow()]
  const all = task({ params: {}, dependencies: [one, two, three].map((target) => dependsOn(target)), run() {} })
  const { jobs } = await setup({ cool: { one, two, three, all } })
  await jobs.insert(all, {})
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(3)
  gate.open()
  expect(await drained).toMatchObject({ completed: 4, blocked: 1 })
})

test('"ALL" in a dependency means every option, one job each', async () => {
  const ran: string[] = []
  const part = task({
    params: { region: v.picklist(['north', 'south', 'west']) },
    run({ region }) {
      ran.push(region)
      return region.length
    },
  })
  const total = task({
    params: {},
    dependencies: dependsOn(part, { args: { region: 'ALL' } }),
    run: (_, ctx) => ctx.dependencies.of(part).reduce((sum, { result }) => sum + (result ?? 0), 0),
  })
  const { jobs } = await setup({ cool: { part, total } })
  await jobs.insert(part, { region: 'south' })
  await jobs.runUntilEmpty(deadlineIn())
  const job = await jobs.insert(total, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran[0]).toBe('south')
  expect(ran.slice(1).toSorted()).toEqual(['north', 'west'])
  expect((await jobs.get(job.id))?.result).toBe(14)
})

test('a dependency that fails for good is not run again for the dependents that come later in the same moment', async () => {
  const { ran, bar, cool } = fooAndBar(() => {
    throw new NonRetriable('no such region')
  })
  const { jobs } = await setup({ cool })
  await jobs.insertMany(['x', 'y'].map((c) => ({ task: bar, args: { b: 2, c } }) as const))
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ failed: 3, completed: 0 })
  expect(ran).toEqual(['foo 1 2'])
})
