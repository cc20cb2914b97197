import { createJobMaster, dependsOn, NonRetriable, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

const good = task({ params: { n: v.optional(v.number(), 0) }, run: () => ({ done: true }) })
const bad = task({
  params: {},
  run() {
    throw new NonRetriable('no')
  },
})
const needs = task({ params: {}, dependencies: dependsOn(good, { withinHours: 720, args: { n: 0 } }), run() {} })
const cool = { good, bad, needs }
const keep = { completed: '7 days', failed: '30 days' }

async function remaining(jobs: Awaited<ReturnType<typeof setup>>['jobs']) {
  return (await jobs.list()).jobs.map(({ id }) => id).sort((left, right) => left - right)
}

test('a drain deletes what finished longer ago than it is kept, failed jobs later than completed ones', async () => {
  const { jobs, clock } = await setup({ cool }, { keep })
  const completed = await jobs.insert(good, {})
  const failed = await jobs.insert(bad, {})
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ hours: 24 * 7 - 1 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(await remaining(jobs)).toEqual([completed.id, failed.id])
  await clock.advance({ hours: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(await remaining(jobs)).toEqual([failed.id])
  await clock.advance({ hours: 24 * 23 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(await remaining(jobs)).toEqual([])
})

test('what is not named is kept for ever', async () => {
  const { jobs, clock } = await setup({ cool }, { keep: { completed: '1 hour' } })
  await jobs.insert(good, {})
  const failed = await jobs.insert(bad, {})
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ hours: 24 * 1_000 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(await remaining(jobs)).toEqual([failed.id])
})

test('what has not finished is never deleted, and what it kept back is when it has', async () => {
  const { jobs, clock } = await setup({ cool }, { keep: { completed: '1 hour' } })
  const later = await jobs.insert(good, {}, { runAt: new Date(Date.now() + 10 * 3_600_000) })
  await jobs.insert(good, {})
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ hours: 9 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(await remaining(jobs)).toEqual([later.id])
  await clock.advance({ hours: 2 })
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  await clock.advance({ hours: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(await remaining(jobs)).toEqual([])
})

test('freshness survives the deletion of the job that it comes from', async () => {
  const { jobs, clock } = await setup({ cool }, { keep: { completed: '1 hour' } })
  await jobs.insert(good, { n: 0 })
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ hours: 3 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(await remaining(jobs)).toEqual([])
  await jobs.insert(needs, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, blocked: 0 })
})

test('it takes no statement more, and a bounded bite a call', async () => {
  const { jobs, clock, statements } = await setup({ cool }, { keep: { completed: '1 hour' } })
  await jobs.insertMany(Array.from({ length: 1_200 }, () => ({ task: good, args: {} })))
  await jobs.runUntilEmpty(deadlineIn(), { batchSize: 400 })
  await clock.advance({ hours: 3 })
  statements.reset()
  await jobs.runUntilEmpty(deadlineIn())
  expect(statements.count).toBe(1)
  expect((await jobs.status()).jobs.completed).toBe(700)
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.status()).jobs.completed).toBe(0)
})

test('a sweep that begins anew and finds nothing old goes on from where it was, not through all that is gone', async () => {
  const { jobs, clock, sql } = await setup({ cool }, { keep })
  const first = await jobs.insert(good, {})
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ days: 8 })
  await jobs.insert(good, {})
  await jobs.runUntilEmpty(deadlineIn())
  const place = () => sql<{ after_id: number }>`select after_id::integer from jobmaster.retention`
  expect(await place()).toEqual([{ after_id: first.id }])
  await clock.advance({ hours: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(await place()).toEqual([{ after_id: first.id }])
})

test('a drain that keeps running deletes as fast as it completes', async () => {
  const { jobs, clock } = await setup({ cool }, { keep: { completed: '1 hour' } })
  const many = () => jobs.insertMany(Array.from({ length: 2_000 }, () => ({ task: good, args: {} })))
  for (let hour = 0; hour < 4; hour += 1) {
    await many()
    await jobs.runUntilEmpty(deadlineIn(20_000), { batchSize: 500 })
    await clock.advance({ hours: 2 })
  }
  expect((await jobs.status()).jobs.completed).toBeLessThanOrEqual(2_000)
})

test.each([
  [{ completed: '-1 days' }, /keep\.completed must be a time such as '7 days'.*got "-1 days"/],
  [{ failed: 'soon' }, /keep\.failed must be a time such as '7 days'.*got "soon"/],
  [{ cancelled: '1 day' }, /keep has no "cancelled", only completed and failed/],
])('%j is refused by name', (wrong, message) => {
  const options: { keep: object } = { keep: wrong }
  expect(() => createJobMaster({ db: { execute() {} }, ...options })).toThrow(message)
})
