import { RetryAfter, task } from 'jobmaster'
import { expect, test } from 'vitest'
import { aborted, deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

test("each attempt's error and times are kept, with the one that completed", async () => {
  let tries = 0
  const act = task({
    params: {},
    run() {
      tries += 1
      if (tries < 3) throw new RetryAfter(0, `no ${tries}`)
      return { tries }
    },
  })
  const { jobs } = await setup({ cool: { act } }, { system: 'europe' })
  const { id } = await jobs.insert(act, {})
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.runUntilEmpty(deadlineIn())
  const attempts = await jobs.attempts(id)
  expect(attempts).toMatchObject([
    { attempt: 1, outcome: 'failed', system: 'europe', error: { name: 'RetryAfter', message: 'no 1' } },
    { attempt: 2, outcome: 'failed', system: 'europe', error: { name: 'RetryAfter', message: 'no 2' } },
    { attempt: 3, outcome: 'completed', system: 'europe', error: null },
  ])
  const times = attempts.flatMap(({ startedAt, finishedAt }) => [startedAt.getTime(), finishedAt!.getTime()])
  expect(times).toEqual(times.toSorted((left, right) => left - right))
})

test('what was interrupted by the deadline and what was lost with its invocation are attempts too', async () => {
  const slow = task({ params: {}, maxAttempts: 5, run: (_, ctx) => aborted(ctx.signal) })
  const endless = task({ params: {}, maxAttempts: 5, run: () => new Promise<void>(() => {}) })
  const { jobs, clock } = await setup({ cool: { slow, endless } })
  const interrupted = await jobs.insert(slow, {})
  await jobs.runUntilEmpty(deadlineIn(400))
  await jobs.cancel(interrupted.id)
  const lost = await jobs.insert(endless, {})
  await jobs.runUntilEmpty(deadlineIn(400), { settleMs: 20 })
  expect(await jobs.attempts(lost.id)).toMatchObject([
    { attempt: 1, outcome: 'running', finishedAt: null, error: null },
  ])
  await clock.advance({ minutes: 1 })
  await jobs.runUntilEmpty(deadlineIn(400), { settleMs: 20 })
  expect(await jobs.attempts(interrupted.id)).toMatchObject([
    { attempt: 1, outcome: 'interrupted', error: { message: 'told to stop' } },
  ])
  expect((await jobs.attempts(lost.id))[0]).toMatchObject({ attempt: 1, outcome: 'lost', error: { name: 'LeaseLost' } })
})

test('an attempt that was cancelled while it ran says so', async () => {
  const gate = new Gate()
  const slow = task({ params: {}, run: (_, ctx) => aborted(ctx.signal) })
  const step = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ cool: { slow, step } })
  const { id } = await jobs.insert(slow, {})
  await jobs.insert(step, {})
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  await jobs.cancel(id)
  gate.open()
  await drained
  expect(await jobs.attempts(id)).toMatchObject([
    { attempt: 1, outcome: 'cancelled', error: { message: 'told to stop' } },
  ])
})

test('a job that completes at once writes no row of attempts, and one that never ran has none', async () => {
  const act = task({ params: {}, run() {} })
  const { jobs, sql } = await setup({ cool: { act } })
  const { id } = await jobs.insert(act, {})
  expect(await jobs.attempts(id)).toEqual([])
  await jobs.runUntilEmpty(deadlineIn())
  expect(await sql`select * from jobmaster.attempts`).toEqual([])
  expect(await jobs.attempts(id)).toMatchObject([{ attempt: 1, outcome: 'completed' }])
})

test('a retry keeps the attempts before it; deleting and pruning the job take them along', async () => {
  const bad = task({
    params: {},
    maxAttempts: 1,
    run() {
      throw new Error('no')
    },
  })
  const { jobs, sql } = await setup({ cool: { bad } })
  const [first, second] = await jobs.insertMany([
    { task: bad, args: {} },
    { task: bad, args: {} },
  ])
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.retry(first!.id)
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.attempts(first!.id)).map(({ attempt }) => attempt)).toEqual([1, 2])
  await jobs.delete(first!.id)
  expect(await sql`select job_id from jobmaster.attempts`).toEqual([{ job_id: second!.id }])
  expect(await jobs.prune({ failed: '0 seconds' })).toBe(1)
  expect(await sql`select job_id from jobmaster.attempts`).toEqual([])
})

test('of a job that fails without end the newest 100 attempts are kept', async () => {
  const bad = task({
    params: {},
    maxAttempts: 1_000,
    run() {
      throw new RetryAfter(0, 'no')
    },
  })
  const { jobs, sql } = await setup({ cool: { bad } })
  const { id } = await jobs.insert(bad, {})
  await sql`update jobmaster.jobs set attempt = 99`
  for (let tick = 0; tick < 4; tick += 1) await jobs.runUntilEmpty(deadlineIn(), { batchSize: 1, statementBudget: 2 })
  await sql`insert into jobmaster.attempts (job_id, attempt, started_at, finished_at, outcome, system)
    select ${id}, number, now(), now(), 'failed', 'default' from generate_series(1, 99) number on conflict do nothing`
  await jobs.runUntilEmpty(deadlineIn(), { batchSize: 1, statementBudget: 2 })
  const { attempt } = (await jobs.get(id))!
  const kept = await jobs.attempts(id)
  expect(kept).toHaveLength(100)
  expect(kept.at(-1)?.attempt).toBe(attempt)
})

test('attempts of a job that is not there are refused', async () => {
  const { jobs } = await setup({ cool: { act: task({ params: {}, run() {} }) } })
  await expect(jobs.attempts(404)).rejects.toMatchObject({ code: 'JM011', message: 'there is no job #404' })
})
