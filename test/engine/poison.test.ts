import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

/** Jobs of which one kills its invocation, as long as `deadly` is true: from then on no handler of it ends. */
function poisonous() {
  const state = { deadly: true, failing: false, together: 0 }
  let inside = 0
  let killing = new AbortController()
  const eat = task({
    params: { poison: v.boolean() },
    async run({ poison }) {
      inside += 1
      state.together = Math.max(state.together, inside)
      await Promise.resolve()
      if (poison && state.deadly) killing.abort()
      if (killing.signal.aborted) await new Promise<never>(() => {})
      inside -= 1
      if (state.failing) throw new Error('not today')
    },
  })
  return {
    eat,
    cool: { eat },
    state,
    /** An invocation that is gone once it is killed: it returns while its handlers run, and nobody settles what it held. */
    untilKilled: () => ({ settleMs: 20, batchSize: 10, signal: killing.signal }),
    /** The next invocation is another process. */
    restart() {
      killing = new AbortController()
      inside = 0
      state.together = 0
    },
  }
}

test('a job that kills its invocation fails after its attempts, and what was claimed beside it does not pay', async () => {
  const { eat, cool, untilKilled, restart } = poisonous()
  const { jobs, clock } = await setup({ cool })
  const items = [true, false, false, false].map((poison) => ({ task: eat, args: { poison } }))
  const [poison, ...others] = await jobs.insertMany(items)
  for (let invocation = 1; invocation <= 6; invocation += 1) {
    restart()
    await jobs.runUntilEmpty(deadlineIn(), untilKilled())
    await clock.advance({ minutes: 1 })
  }
  expect(await jobs.get(poison!.id)).toMatchObject({ status: 'failed', failures: 3, error: { name: 'LeaseLost' } })
  for (const { id } of others) expect(await jobs.get(id)).toMatchObject({ status: 'completed', failures: 0 })
})

test('of jobs that were lost together none counts a failure, and each is tried alone', async () => {
  const { eat, cool, state, untilKilled, restart } = poisonous()
  const { jobs, clock } = await setup({ cool })
  const inserted = await jobs.insertMany([true, false, false].map((poison) => ({ task: eat, args: { poison } })))
  await jobs.runUntilEmpty(deadlineIn(), untilKilled())
  await clock.advance({ minutes: 1 })
  state.deadly = false
  restart()
  const fresh = await jobs.insert(eat, { poison: false })
  expect(await jobs.runUntilEmpty(deadlineIn(), { batchSize: 10 })).toMatchObject({ completed: 4 })
  expect(state.together).toBe(1)
  for (const { id } of [...inserted, fresh]) {
    expect(await jobs.get(id)).toMatchObject({ status: 'completed', failures: 0 })
  }
})

test('a job whose invocation lived to settle it, though it failed, is claimed in company again', async () => {
  const { eat, cool, state, untilKilled, restart } = poisonous()
  const { jobs, clock } = await setup({ cool })
  await jobs.insertMany([true, false].map((poison) => ({ task: eat, args: { poison } })))
  await jobs.runUntilEmpty(deadlineIn(), untilKilled())
  await clock.advance({ minutes: 1 })
  state.deadly = false
  state.failing = true
  restart()
  expect(await jobs.runUntilEmpty(deadlineIn(), { batchSize: 10 })).toMatchObject({ retried: 2 })
  expect(state.together).toBe(1)
  state.failing = false
  restart()
  await clock.advance({ minutes: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn(), { batchSize: 10 })).toMatchObject({ completed: 2 })
  expect(state.together).toBe(2)
})

test('a job that is tried alone keeps its place: what ranks before it is claimed first', async () => {
  const { eat, cool, state, untilKilled, restart } = poisonous()
  const { jobs, clock } = await setup({ cool })
  await jobs.insertMany([true, false].map((poison) => ({ task: eat, args: { poison } })))
  await jobs.runUntilEmpty(deadlineIn(), untilKilled())
  await clock.advance({ minutes: 1 })
  state.deadly = false
  restart()
  const urgent = await jobs.insert(eat, { poison: false }, { priority: 1 })
  const report = await jobs.runUntilEmpty(deadlineIn(), { batchSize: 10 })
  expect(report.jobs[0]?.id).toBe(urgent.id)
})
