import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { around } from '../support/around.ts'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
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

test('a job that is tried alone waits for nothing that cannot run: not for a paused task, nor for one of other code', async () => {
  const { eat, cool, state, untilKilled, restart } = poisonous()
  const idle = task({ params: {}, run() {} })
  const { jobs, sql, clock } = await setup({ cool, other: { idle } })
  const standing = await jobs.insert(idle, {})
  await sql`update jobmaster.tasks set paused_at = now() where task_key = 'idle'`
  await jobs.insertMany([true, false].map((poison) => ({ task: eat, args: { poison } })))
  await jobs.runUntilEmpty(deadlineIn(), untilKilled())
  await clock.advance({ minutes: 1 })
  state.deadly = false
  restart()
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 2 })
  expect(await jobs.get(standing.id)).toMatchObject({ status: 'waiting' })
})

test('what two claims of one invocation took is lost together, though the leases end one after the other', async () => {
  const { eat, cool, state, untilKilled, restart } = poisonous()
  const { jobs, clock, sql } = await setup({ cool })
  const inserted = await jobs.insertMany([true, false].map((poison) => ({ task: eat, args: { poison } })))
  await jobs.runUntilEmpty(deadlineIn(), untilKilled())
  // As where an answer took its time on the way: the second claim began later, and its lease ends later.
  await sql`update jobmaster.jobs set lease_until = lease_until + interval '10 seconds' where id = ${inserted[1]!.id}`
  state.deadly = false
  restart()
  for (let tick = 1; tick <= 12; tick += 1) {
    await clock.advance({ seconds: 5 })
    await jobs.runUntilEmpty(deadlineIn())
  }
  for (const { id } of inserted) expect(await jobs.get(id)).toMatchObject({ status: 'completed', failures: 0 })
})

test('a job that is tried alone is alone too where the answer to its claim was lost, and the call is repeated', async () => {
  const { eat, cool, untilKilled } = poisonous()
  const { jobs, sql, clock } = await setup({ cool })
  const [poison] = await jobs.insertMany([true, false].map((poison) => ({ task: eat, args: { poison } })))
  await jobs.runUntilEmpty(deadlineIn(), untilKilled())
  await clock.advance({ minutes: 1 })
  const [task] = await sql`select hash from jobmaster.tasks`
  const request = {
    version: 1,
    invocation: crypto.randomUUID(),
    sequence: 1,
    system: 'default',
    units: 10_000,
    tasks: { 'cool.eat': task!.hash },
    completed: [],
    outcomes: [],
    limit: 10,
    lease_ms: 30_000,
    time_left_ms: 15_000,
    started: 0,
    held: 0,
    since: 0,
    after: null,
    take_back: false,
  }
  const call = (repeat: boolean) =>
    sql`select jobmaster.settle_and_claim(${JSON.stringify({ ...request, repeat })}::text::jsonb)::jsonb as answer`
  const [first, second] = [await call(false), await call(true)]
  expect(first[0]!.answer).toMatchObject({
    alone: true,
    jobs: [[poison!.id, 'cool.eat', 2, 0, { poison: true }]],
  })
  expect(second[0]!.answer).toMatchObject({ alone: true, jobs: first[0]!.answer.jobs })
})

test('an invocation that holds something does not pass over a job that is to be tried alone for longer than a minute', async () => {
  const gate = new Gate()
  const ran: string[] = []
  const cool = {
    long: task({ params: {}, run: () => gate.pass() }),
    lost: task({ params: {}, run: () => void ran.push('lost') }),
    light: task({ params: {}, run: () => void ran.push('light') }),
  }
  const { jobs, database, sql, clock } = await setup({ cool })
  await jobs.insertMany([
    { task: cool.long, args: {}, priority: 1 },
    { task: cool.lost, args: {} },
    { task: cool.light, args: {} },
  ])
  await sql`
    update jobmaster.jobs set suspect = true
    where task_id = (select id from jobmaster.tasks where task_key = 'lost')`
  await clock.advance({ seconds: 61 })
  const answered = { times: 0, twice: Promise.withResolvers<void>() }
  const counting = around(database, async (execute) => {
    const answer = await execute()
    answered.times += 1
    if (answered.times === 2) answered.twice.resolve()
    return answer
  })
  const drain = await setup({ cool }, { database: counting, deploy: false })
  const drained = drain.jobs.runUntilEmpty(deadlineIn(), { batchSize: 1 })
  await answered.twice.promise
  gate.open()
  await drained
  expect(ran).toEqual(['lost', 'light'])
})
