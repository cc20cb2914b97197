import { createJobMaster, type JobMaster, schedule, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setupOnTheHour, toNextHour } from '../support/on-the-hour.ts'

const report = task({ params: { of: v.optional(v.string(), 'all') }, run: ({ of }) => of })
const hourly = { report, hourly: schedule(report, {}, { cron: '0 * * * *' }) }
const minutely = (catchUp: 'none' | 'last' | 'all') => ({
  report,
  minutely: schedule(report, { of: 'minute' }, { cron: '* * * * *', catchUp }),
})

/** The times that jobs were inserted for, in the order of their ids. */
async function ticksOf(jobs: JobMaster): Promise<Date[]> {
  const { jobs: found } = await jobs.list({ limit: 1_000 })
  return found.map(({ runAt }) => runAt).toReversed()
}

/** So many minutes, the first of them after `first` more. */
const minutesAfter = (start: Date, first: number, count: number) =>
  Array.from({ length: count }, (_, index) => new Date(start.getTime() + (first + index) * 60_000))

test('a schedule inserts a job at its tick, set for that time, with the defaults of its task', async () => {
  const { jobs, clock } = await setupOnTheHour({ cool: hourly })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, stopReason: 'empty' })
  const hour = await toNextHour(clock)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  const { jobs: found } = await jobs.list()
  expect(found).toMatchObject([{ task: 'cool.report', args: { of: 'all' }, runAt: hour, status: 'completed' }])
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0 })
})

test('an idle tick with no schedule due is one statement, and says when the next is due', async () => {
  const { jobs, statements, hour } = await setupOnTheHour({ cool: hourly })
  const before = Date.now()
  const { nextWakeAt } = await jobs.runUntilEmpty(deadlineIn())
  expect(statements.count).toBe(1)
  // A second after the hour, by the database's clock.
  const left = nextWakeAt!.getTime() - before
  expect(left).toBeGreaterThan(3_590_000)
  expect(left).toBeLessThanOrEqual(3_600_000)
  expect((await jobs.schedules())[0]?.nextTickAt).toEqual(new Date(hour.getTime() + 3_600_000))
})

test('a drain with schedules that are due takes no statement more than one with as many jobs', async () => {
  const of = (name: string) => schedule(report, { of: name }, { cron: '0 * * * *' })
  const { jobs, statements, clock } = await setupOnTheHour({ cool: { report, a: of('a'), b: of('b'), c: of('c') } })
  await toNextHour(clock)
  statements.reset()
  expect(await jobs.runUntilEmpty(deadlineIn(), { batchSize: 2 })).toMatchObject({ completed: 3 })
  expect(statements.count).toBe(Math.ceil(3 / 2) + 1)
})

test('with a trigger every 15 minutes each tick of a minute has one job, for as long as it goes on, in two statements', async () => {
  const { jobs, statements, clock, hour } = await setupOnTheHour({ cool: minutely('all') })
  for (let round = 0; round < 14; round += 1) {
    await clock.advance({ minutes: 15 })
    statements.reset()
    expect(await jobs.runUntilEmpty(deadlineIn(), { batchSize: 50 })).toMatchObject({ completed: 15 })
    expect(statements.count).toBe(2)
  }
  expect(await ticksOf(jobs)).toEqual(minutesAfter(hour, 1, 14 * 15))
})

test('after an outage "all" has a job for each tick missed, more than were computed ahead too', async () => {
  const { jobs, clock, hour } = await setupOnTheHour({ cool: minutely('all') })
  await clock.advance({ minutes: 350 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 350 })
  expect(await ticksOf(jobs)).toEqual(minutesAfter(hour, 1, 350))
})

test.each([90, 350])('after an outage of %d minutes "last" has one job, for the last tick missed', async (minutes) => {
  const { jobs, clock, hour } = await setupOnTheHour({ cool: minutely('last') })
  await clock.advance({ minutes })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  await clock.advance({ minutes: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  expect(await ticksOf(jobs)).toEqual(minutesAfter(hour, minutes, 2))
})

test('after an outage "none" has a job for the last tick when it is no more than 30 minutes ago, and else waits for the next', async () => {
  const nightly = schedule(report, {}, { cron: '0 * * * *', catchUp: 'none' })
  const { jobs, clock, hour } = await setupOnTheHour({ cool: { report, nightly } })
  await clock.advance({ minutes: 89 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  await clock.advance({ minutes: 62 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0 })
  await toNextHour(clock)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  expect(await ticksOf(jobs)).toEqual([minutesAfter(hour, 60, 1)[0], minutesAfter(hour, 180, 1)[0]])
})

test('a schedule whose ticks computed ahead are all gone says what is next in the drain that finds it so', async () => {
  const { jobs, clock, statements, hour } = await setupOnTheHour({ cool: minutely('none') })
  await jobs.pause({ task: 'cool.report' })
  await clock.advance({ minutes: 350 })
  statements.reset()
  await jobs.runUntilEmpty(deadlineIn())
  expect(statements.count).toBe(2)
  expect((await jobs.schedules())[0]).toMatchObject({
    lastTickAt: new Date(hour.getTime() + 350 * 60_000),
    nextTickAt: new Date(hour.getTime() + 351 * 60_000),
  })
})

test('a tick has one job under any number of invocations', async () => {
  const { jobs, clock } = await setupOnTheHour({ cool: { ...minutely('all'), ...hourly } })
  let completed = 0
  for (let round = 0; round < 3; round += 1) {
    await clock.advance({ minutes: 60 })
    const reports = await Promise.all(
      Array.from({ length: 8 }, () => jobs.runUntilEmpty(deadlineIn(), { batchSize: 7 })),
    )
    completed += reports.reduce((sum, one) => sum + one.completed, 0)
  }
  expect(completed).toBe(3 * 61)
  const { jobs: found } = await jobs.list({ limit: 1_000 })
  expect(new Set(found.map(({ args, runAt }) => `${args.of} ${runAt.toISOString()}`)).size).toBe(3 * 61)
})

test('a tick that has a job gets no other, whatever is computed again', async () => {
  const { jobs, clock, sql, hour } = await setupOnTheHour({ cool: hourly })
  await toNextHour(clock)
  await jobs.runUntilEmpty(deadlineIn())
  await sql`update jobmaster.schedules set coming = array[${new Date(hour.getTime() + 3_600_000)}::timestamptz] || coming, next_tick = now() - interval '1 hour'`
  await jobs.runUntilEmpty(deadlineIn())
  expect(await ticksOf(jobs)).toHaveLength(1)
})

test('an invocation whose code does not know the schedule inserts its jobs, and leaves them to code that has the task', async () => {
  const { jobs, clock, database } = await setupOnTheHour({ cool: minutely('all') })
  const older = createJobMaster({ db: database.db, tasks: {} })
  await clock.advance({ minutes: 70 })
  expect(await older.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, skew: ['cool.report'] })
  await clock.advance({ minutes: 70 })
  expect(await older.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 140 })
})

test('calls that know nothing of schedules insert what is due as far as it is known, and the rest comes once', async () => {
  const { jobs, clock, sql, hour } = await setupOnTheHour({ cool: minutely('all') })
  const request = { version: 1, units: 1, system: 'default', tasks: {}, completed: [], outcomes: [], limit: 1 }
  const call = {
    lease_ms: 1,
    time_left_ms: 1,
    started: 0,
    held: 0,
    repeat: false,
    since: 0,
    after: null,
    take_back: false,
  }
  for (let sequence = 1; sequence <= 3; sequence += 1) {
    await clock.advance({ minutes: 60 })
    const sent = { ...request, ...call, sequence, invocation: crypto.randomUUID() }
    await sql`select jobmaster.settle_and_claim(${JSON.stringify(sent)}::jsonb)`
  }
  expect(await ticksOf(jobs)).toEqual(minutesAfter(hour, 1, 100))
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 180 })
  expect(await ticksOf(jobs)).toEqual(minutesAfter(hour, 1, 180))
})

test('the clock of its time zone is what a schedule goes by', async () => {
  const noon = schedule(report, {}, { cron: '0 12 * * *', timezone: 'Asia/Kolkata' })
  const { jobs } = await setupOnTheHour({ cool: { report, noon } })
  const [deployed] = await jobs.schedules()
  expect(deployed).toMatchObject({ schedule: 'cool.noon', timezone: 'Asia/Kolkata', catchUp: 'last' })
  expect(deployed!.nextTickAt!.toISOString()).toMatch(/T06:30:00.000Z$/)
})

test('a paused schedule inserts nothing, and what it missed is not caught up with', async () => {
  const { jobs, clock, sql } = await setupOnTheHour({ cool: minutely('all') })
  const { pausedAt } = await jobs.pause({ schedule: 'cool.minutely' })
  expect(await jobs.schedules()).toMatchObject([{ pausedAt, nextTickAt: null }])
  await clock.advance({ minutes: 350 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, nextWakeAt: null })
  await sql(`select jobmaster.resume(schedule => 'cool.minutely')`)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0 })
  await clock.advance({ minutes: 2 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 2 })
  await sql(`select jobmaster.pause(schedule => 'cool.minutely')`)
  await clock.advance({ minutes: 3 })
  await jobs.resume({ schedule: 'cool.minutely' })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0 })
})

test('to resume a schedule that is not paused drops nothing that is due', async () => {
  const { jobs, clock } = await setupOnTheHour({ cool: minutely('all') })
  await clock.advance({ minutes: 3 })
  await jobs.resume({ schedule: 'cool.minutely' })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 3 })
})

test('nobody is woken for a schedule of a paused task', async () => {
  const { jobs } = await setupOnTheHour({ cool: hourly })
  await jobs.pause({ task: 'cool.report' })
  expect((await jobs.runUntilEmpty(deadlineIn())).nextWakeAt).toBeNull()
})

test.each(['pause', 'resume'] as const)(
  '%s of a schedule that there is not is refused, naming those there are',
  async (verb) => {
    const { jobs } = await setupOnTheHour({ cool: hourly })
    await expect(jobs[verb]({ schedule: 'cool.never' })).rejects.toMatchObject({
      code: 'JM017',
      message: 'unknown schedule cool.never (known: cool.hourly)',
    })
  },
)

test('schedules are listed with the newest tick that has a job, and the next', async () => {
  const { jobs, clock, hour } = await setupOnTheHour({ cool: hourly })
  const next = (hours: number) => new Date(hour.getTime() + hours * 3_600_000)
  const rule = { schedule: 'cool.hourly', task: 'cool.report', args: { of: 'all' }, cron: '0 * * * *', timezone: 'UTC' }
  expect(await jobs.schedules()).toEqual([
    { ...rule, catchUp: 'last', pausedAt: null, lastTickAt: null, lastJobId: null, nextTickAt: next(1) },
  ])
  await toNextHour(clock)
  const { jobs: ran } = await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.schedules()).toMatchObject([{ lastTickAt: next(1), lastJobId: ran[0]?.id, nextTickAt: next(2) }])
})

test('a deploy adds, changes and removes schedules, as its plan says, and twice in a row changes nothing', async () => {
  const { database, jobs, clock, hour } = await setupOnTheHour({ cool: { report } })
  const at = (cron: string, of = 'x') => schedule(report, { of }, { cron })
  const first = createJobMaster({
    db: database.db,
    tasks: { cool: { report, kept: at('0 * * * *'), moved: at('0 * * * *'), gone: at('0 * * * *') } },
  })
  expect((await first.deploy()).schedules).toEqual({
    added: ['cool.gone', 'cool.kept', 'cool.moved'],
    changed: [],
    removed: [],
    unchanged: [],
  })
  expect(await first.plan()).toMatchObject({ upToDate: true })
  await first.pause({ schedule: 'cool.moved' })
  const second = createJobMaster({
    db: database.db,
    tasks: { cool: { report, kept: at('0 * * * *'), moved: at('30 * * * *', 'y') } },
  })
  const changes = { added: [], changed: ['cool.moved'], removed: ['cool.gone'], unchanged: ['cool.kept'] }
  expect(await second.plan()).toMatchObject({ upToDate: false, schedules: changes })
  expect((await second.deploy()).schedules).toEqual(changes)
  expect(await second.schedules()).toMatchObject([
    { schedule: 'cool.kept', nextTickAt: new Date(hour.getTime() + 3_600_000) },
    { schedule: 'cool.moved', cron: '30 * * * *', args: { of: 'y' }, pausedAt: expect.any(Date) },
  ])
  await second.resume({ schedule: 'cool.moved' })
  await clock.advance({ minutes: 70 })
  expect(await second.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 2 })
  expect((await jobs.plan()).schedules.removed).toEqual(['cool.kept', 'cool.moved'])
})

test('a deploy that leaves a schedule as it was leaves what it missed to be caught up with', async () => {
  const { database, clock } = await setupOnTheHour({ cool: minutely('all') })
  await clock.advance({ minutes: 5 })
  const other = task({ params: {}, run() {} })
  const next = createJobMaster({ db: database.db, tasks: { cool: { ...minutely('all'), other } } })
  await next.deploy()
  expect(await next.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 5 })
})
