import { dependsOn, NonRetriable, same, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

/** top needs middle, which needs base: base runs as it is told. */
function tower(run: () => void | Promise<void>) {
  const base = task({ params: { n: v.number() }, maxAttempts: 2, run })
  const middle = task({ params: { n: v.number() }, dependencies: dependsOn(base, { args: { n: same } }), run() {} })
  const top = task({ params: { n: v.number() }, dependencies: dependsOn(middle, { args: { n: same } }), run() {} })
  return { base, middle, top }
}

test('when a dependency fails for good its dependents fail down the chain, saying which job and why', async () => {
  const tasks = tower(() => {
    throw new NonRetriable('the source is gone')
  })
  const { jobs } = await setup({ tower: tasks })
  const top = await jobs.insert(tasks.top, { n: 1 })
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(report).toMatchObject({ failed: 3, completed: 0, stopReason: 'empty' })
  const base = (await jobs.list({ task: 'tower.base' })).jobs[0]!
  const middle = (await jobs.list({ task: 'tower.middle' })).jobs[0]!
  expect(middle).toMatchObject({ status: 'failed', attempt: 0, finishedAt: expect.any(Date) })
  expect(middle.error?.message).toBe(`tower.base #${base.id}, which this job depends on, failed: the source is gone`)
  const { error } = (await jobs.get(top.id))!
  expect(error?.message).toContain(`tower.middle #${middle.id}, which this job depends on, failed: `)
  expect(error?.message).toContain('the source is gone')
})

test('while a dependency has attempts left its dependents stay blocked', async () => {
  let failing = true
  const tasks = tower(() => {
    if (failing) throw new Error('not now')
  })
  const { jobs, clock } = await setup({ tower: tasks })
  const middle = await jobs.insert(tasks.middle, { n: 1 })
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.get(middle.id))?.status).toBe('blocked')
  failing = false
  await clock.advance({ hours: 1 })
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.get(middle.id))?.status).toBe('completed')
})

test('when a dependency is cancelled its dependents fail, naming it', async () => {
  const tasks = tower(() => {})
  const { jobs } = await setup({ tower: tasks }, { systemProcessUnits: 1 })
  const gate = new Gate()
  const blocked = tower(() => gate.pass())
  const { jobs: other } = await setup({ tower: blocked })
  const top = await other.insert(blocked.top, { n: 1 })
  const drained = other.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  const middle = (await other.list({ task: 'tower.middle' })).jobs[0]!
  await other.cancel(middle.id)
  expect(await other.get(top.id)).toMatchObject({
    status: 'failed',
    error: { message: `tower.middle #${middle.id}, which this job depends on, was cancelled` },
  })
  gate.open()
  expect(await drained).toMatchObject({ completed: 1 })
  expect((await jobs.list()).jobs).toEqual([])
})

test('a dependent that failed may be retried, and then looks at its dependencies again', async () => {
  let failing = true
  const tasks = tower(() => {
    if (failing) throw new NonRetriable('not now')
  })
  const { jobs } = await setup({ tower: tasks })
  const middle = await jobs.insert(tasks.middle, { n: 1 })
  await jobs.runUntilEmpty(deadlineIn())
  failing = false
  await jobs.retry(middle.id)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 2, blocked: 1 })
  expect(await jobs.get(middle.id)).toMatchObject({ status: 'completed', error: null })
})

test('an argument that a dependency does not give is filled by its default, else null where allowed, else the first option', async () => {
  const seen: object[] = []
  const source = task({
    params: {
      given: v.number(),
      preset: v.optional(v.string(), 'usual'),
      either: v.nullable(v.string()),
      chosen: v.picklist(['first', 'second']),
      flag: v.boolean(),
    },
    run(args) {
      seen.push(args)
    },
  })
  const report = task({ params: {}, dependencies: dependsOn(source, { args: { given: 4 } }), run() {} })
  const { jobs } = await setup({ cool: { source, report } })
  await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(seen).toEqual([{ given: 4, preset: 'usual', either: null, chosen: 'first', flag: expect.any(Boolean) }])
})

test('where nothing gives an argument a value the dependent fails, naming it', async () => {
  const source = task({ params: { path: v.string(), number: v.number() }, run() {} })
  const report = task({
    params: { path: v.string() },
    dependencies: dependsOn(source, { args: { path: same } }),
    run() {},
  })
  const { jobs } = await setup({ cool: { source, report } })
  const job = await jobs.insert(report, { path: '/tmp/x' })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ failed: 1, completed: 0 })
  const failed = (await jobs.get(job.id))!
  expect(failed).toMatchObject({ status: 'failed', error: { name: 'DependencyFailed' } })
  expect(failed.error?.message).toContain('cool.source')
  expect(failed.error?.message).toContain('"number"')
  expect((await jobs.list({ task: 'cool.source' })).jobs).toEqual([])
})

test('such a dependency is met all the same by a job that somebody inserted', async () => {
  const source = task({ params: { path: v.string(), number: v.number() }, run() {} })
  const report = task({
    params: { path: v.string() },
    dependencies: dependsOn(source, { args: { path: same } }),
    run() {},
  })
  const { jobs } = await setup({ cool: { source, report } })
  await jobs.insert(report, { path: '/tmp/x' }, { priority: 3 })
  await jobs.insert(source, { path: '/tmp/x', number: 10 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ failed: 0, completed: 2 })
})

test('a computed argument that the dependency does not take fails the dependent, saying why', async () => {
  const month = task({ params: { number: v.pipe(v.number(), v.minValue(1)) }, run() {} })
  const change = task({
    params: { number: v.number() },
    dependencies: dependsOn(month, { args: { number: same.minus(1) } }),
    run() {},
  })
  const { jobs } = await setup({ cool: { month, change } })
  const [january, february] = await jobs.insertMany([1, 2].map((number) => ({ task: change, args: { number } })))
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ failed: 1, completed: 2 })
  expect((await jobs.get(february!.id))?.status).toBe('completed')
  const failed = (await jobs.get(january!.id))!
  expect(failed.status).toBe('failed')
  expect(failed.error?.message).toContain('cool.month')
  expect(failed.error?.message).toContain('"number"')
})

test('one dependent that fails so holds up no other in the queue', async () => {
  const source = task({ params: { path: v.string(), number: v.number() }, run() {} })
  const report = task({ params: {}, dependencies: dependsOn(source, { args: { path: 'x' } }), run() {} })
  const plain = task({ params: {}, run() {} })
  const { jobs } = await setup({ cool: { source, report, plain } })
  await jobs.insertMany(Array.from({ length: 20 }, () => ({ task: report, args: {}, priority: 5 })))
  await jobs.insertMany(Array.from({ length: 20 }, () => ({ task: plain, args: {} })))
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ failed: 20, completed: 20, stopReason: 'empty' })
})
