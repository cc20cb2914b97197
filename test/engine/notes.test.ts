import { createJobMaster, type Context, RetryAfter, task } from 'jobmaster'
import * as v from 'valibot'
import { afterEach, expect, test, vi } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('what a handler says of itself is kept with its job', async () => {
  const load = task({
    params: {},
    async run(_, ctx) {
      ctx.log('opened', { rows: 3 })
      ctx.progress(0.25)
      await Promise.resolve()
      ctx.progress(1, 'done')
      ctx.log('closed')
    },
  })
  const { jobs } = await setup({ cool: { load } })
  const { id, progress } = await jobs.insert(load, {})
  expect(progress).toBeNull()
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.get(id))?.progress).toEqual({ value: 1, message: 'done', at: expect.any(Date) })
  expect((await jobs.list()).jobs[0]?.progress?.value).toBe(1)
  expect(await jobs.log(id)).toEqual([
    { attempt: 1, at: expect.any(Date), message: 'opened {"rows":3}' },
    { attempt: 1, at: expect.any(Date), message: 'closed' },
  ])
})

test('progress and log of short jobs take no statement more', async () => {
  const talk = task({
    params: { n: v.number() },
    run({ n }, ctx) {
      ctx.progress(n / 100)
      ctx.log(`this is ${n}`)
    },
  })
  const { jobs, statements } = await setup({ cool: { talk } })
  const made = await jobs.insertMany(Array.from({ length: 100 }, (_, n) => ({ task: talk, args: { n } })))
  statements.reset()
  const report = await jobs.runUntilEmpty(deadlineIn(), { batchSize: 50 })
  expect(report.completed).toBe(100)
  expect(statements.count).toBe(3)
  expect(await jobs.log(made[42]!.id)).toMatchObject([{ message: 'this is 42' }])
})

/** A job that logs each second for so long, in time that is passed to it, and what its drain took. */
async function talking(seconds: number, statementBudget?: number) {
  const seen: number[] = []
  const talk = task({
    params: {},
    async run(_, ctx: Context) {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
      for (let second = 1; second <= seconds; second += 1) {
        ctx.log(`second ${second}`)
        await vi.advanceTimersByTimeAsync(1_000)
        // What the drain has sent meanwhile is answered.
        for (let round = 0; round < 5; round += 1) seen.push((await jobs.log(ctx.job.id)).length)
      }
      vi.useRealTimers()
    },
  })
  const { jobs } = await setup({ cool: { talk } }, { now: () => Date.now() })
  const { id } = await jobs.insert(talk, {})
  const report = await jobs.runUntilEmpty(deadlineIn(600_000), {
    concurrency: 1,
    ...(statementBudget && { statementBudget }),
  })
  return { report, seen, lines: await jobs.log(id) }
}

test('what a long job says can be read while it runs, for at most one statement every five seconds', async () => {
  const { report, seen, lines } = await talking(20)
  expect(report.completed).toBe(1)
  expect(seen.some((count) => count > 0)).toBe(true)
  // One claims, one settles.
  expect(report.statements).toBeGreaterThan(2)
  expect(report.statements).toBeLessThanOrEqual(2 + 20 / 5)
  expect(lines.map(({ message }) => message)).toEqual(Array.from({ length: 20 }, (_, n) => `second ${n + 1}`))
})

test('what a long job says takes at most half of a budget of statements', async () => {
  const { report, lines } = await talking(40, 6)
  expect(report.completed).toBe(1)
  expect(report.statements).toBeLessThanOrEqual(4)
  expect(lines).toHaveLength(40)
})

test('progress that is not from 0 to 1 fails the attempt, by name', async () => {
  const wrong = task({
    params: { value: v.unknown(), message: v.optional(v.unknown()) },
    maxAttempts: 1,
    run({ value, message }, ctx) {
      ctx.progress((value === 'NaN' ? Number.NaN : value) as number, message as string)
    },
  })
  const { jobs } = await setup({ cool: { wrong } })
  const given: [unknown, string][] = [
    [1.5, 'cool.wrong: progress must be a number from 0 to 1, got 1.5'],
    [-0.1, 'cool.wrong: progress must be a number from 0 to 1, got -0.1'],
    ['NaN', 'cool.wrong: progress must be a number from 0 to 1, got NaN'],
    [true, 'cool.wrong: progress must be a number from 0 to 1, got true'],
  ]
  for (const [value, message] of given) {
    const { id } = await jobs.insert(wrong, { value } as never)
    await jobs.runUntilEmpty(deadlineIn())
    expect(await jobs.get(id)).toMatchObject({ status: 'failed', error: { message }, progress: null })
  }
  const { id } = await jobs.insert(wrong, { value: 0, message: 7 } as never)
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.get(id))?.error?.message).toBe('cool.wrong: the message of progress must be a string, got number')
})

test('whatever is logged is kept as text that Postgres takes, cut at 1,000 characters, and fails no job', async () => {
  const cycle: Record<string, unknown> = {}
  cycle.cycle = cycle
  const odd = task({
    params: {},
    run(_, ctx) {
      ctx.log('x'.repeat(5_000))
      ctx.log('nul \u0000, half \ud800')
      ctx.log('cycle', cycle)
      ctx.log(Symbol('s') as never)
      ctx.progress(0.5, 'y'.repeat(5_000))
    },
  })
  const { jobs } = await setup({ cool: { odd } })
  const { id } = await jobs.insert(odd, {})
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  expect((await jobs.log(id)).map(({ message }) => message)).toEqual([
    'x'.repeat(1_000),
    'nul \ufffd, half \ufffd',
    'cycle something that cannot be shown',
    'Symbol(s)',
  ])
  expect((await jobs.get(id))?.progress?.message).toBe('y'.repeat(1_000))
})

test('of an attempt the newest 200 lines are kept, and of a job its newest ten attempts', async () => {
  const talk = task({
    params: {},
    maxAttempts: 100,
    run(_, ctx) {
      const lines = ctx.job.attempt === 12 ? 500 : 1
      for (let line = 1; line <= lines; line += 1) ctx.log(`${ctx.job.attempt}: ${line}`)
      if (ctx.job.attempt < 12) throw new RetryAfter(0, 'again')
    },
  })
  const { jobs } = await setup({ cool: { talk } })
  const { id } = await jobs.insert(talk, {})
  for (let tick = 0; tick < 15; tick += 1) await jobs.runUntilEmpty(deadlineIn())
  const lines = await jobs.log(id)
  expect([...new Set(lines.map(({ attempt }) => attempt))]).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  const last = lines.filter(({ attempt }) => attempt === 12).map(({ message }) => message)
  expect(last).toEqual(Array.from({ length: 200 }, (_, n) => `12: ${n + 301}`))
})

test('a new attempt begins without the progress of the one before it', async () => {
  const seen: unknown[] = []
  const halfway = task({
    params: {},
    async run(_, ctx) {
      seen.push((await jobs.get(ctx.job.id))?.progress?.value)
      ctx.progress(0.5)
      if (ctx.job.attempt === 1) throw new RetryAfter(0, 'again')
    },
  })
  const { jobs } = await setup({ cool: { halfway } })
  const { id } = await jobs.insert(halfway, {})
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(report.retried).toBe(1)
  expect((await jobs.get(id))?.progress?.value).toBe(0.5)
  await jobs.runUntilEmpty(deadlineIn())
  expect(seen).toEqual([undefined, undefined])
})

test('an attempt that has been taken from its invocation adds nothing to the log', async () => {
  const { jobs, sql, clock, database } = await setup({ cool: { slow: task({ params: {}, run() {} }) } })
  const slow = task({
    params: {},
    async run(_, ctx) {
      if (ctx.job.attempt > 1) return ctx.log('second')
      ctx.log('first')
      await clock.advance({ hours: 1 })
      await other.runUntilEmpty(deadlineIn())
    },
  })
  const mine = createJobMaster({ db: database.db, tasks: { cool: { slow } } })
  const other = createJobMaster({ db: database.db, tasks: { cool: { slow } } })
  const { id } = await jobs.insert('cool.slow', {})
  expect((await mine.runUntilEmpty(deadlineIn())).refused).toBe(1)
  expect(await jobs.log(id)).toMatchObject([{ attempt: 2, message: 'second' }])
  expect(await sql`select count(*)::integer as lines from jobmaster.log_lines`).toEqual([{ lines: 1 }])
})

test('deleting and pruning a job take its progress and log along', async () => {
  const talk = task({
    params: {},
    run(_, ctx) {
      ctx.progress(1)
      ctx.log('said')
    },
  })
  const { jobs, sql } = await setup({ cool: { talk } })
  const [first] = await jobs.insertMany([
    { task: talk, args: {} },
    { task: talk, args: {} },
  ])
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.delete(first!.id)
  expect(await sql`select count(*)::integer as kept from jobmaster.log_lines`).toEqual([{ kept: 1 }])
  await jobs.prune({ completed: '0 seconds' })
  expect(await sql`select job_id from jobmaster.log_lines union all select job_id from jobmaster.progress`).toEqual([])
})

test('the log of a job that is not there is refused', async () => {
  const { jobs } = await setup({ cool: { act: task({ params: {}, run() {} }) } })
  await expect(jobs.log(404)).rejects.toMatchObject({ code: 'JM011', message: 'there is no job #404' })
})

test('what handlers log goes to the logger, with its job and its fields; one that throws ends the drain, and no job', async () => {
  const told: [object, string][] = []
  const talk = task({
    params: {},
    run(_, ctx) {
      ctx.log('loaded', { rows: 2 })
    },
  })
  const { database, jobs } = await setup({ cool: { talk } })
  const quiet = () => {}
  const info = (fields: object, message: string) => void told.push([fields, message])
  const logger = { debug: quiet, info, warn: quiet, error: quiet }
  const loud = createJobMaster({ db: database.db, tasks: { cool: { talk } }, logger })
  const { id } = await jobs.insert(talk, {})
  await loud.runUntilEmpty(deadlineIn())
  expect(told[0]).toEqual([{ rows: 2, id, task: 'cool.talk', attempt: 1 }, 'loaded'])

  const broken = { ...logger, info: () => { throw new Error('no disk') } } // prettier-ignore
  const second = await jobs.insert(talk, {})
  const throwing = createJobMaster({ db: database.db, tasks: { cool: { talk } }, logger: broken })
  await expect(throwing.runUntilEmpty(deadlineIn())).rejects.toThrow('no disk')
  expect((await jobs.get(second.id))?.status).toBe('completed')
})
