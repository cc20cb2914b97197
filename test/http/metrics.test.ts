import { createJobMaster, dependsOn, NonRetriable, RetryAfter, task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'
import { serve } from './app.ts'

const good = task({ params: {}, run() {} })
const bad = task({
  params: {},
  run() {
    throw new NonRetriable('no')
  },
})
const flaky = task({
  params: {},
  run() {
    throw new RetryAfter(60_000, 'later')
  },
})
const endless = task({ params: {}, processUnits: 20, run: () => new Promise<void>(() => {}) })
const needs = task({ params: {}, dependencies: dependsOn(endless, { withinHours: 1 }), run() {} })
const cool = { good, bad, flaky, endless, needs }

async function scraped() {
  const made = await setup({ cool }, { systemProcessUnits: 100 })
  const { ask } = serve(made.jobs)
  const scrape = async () => {
    const response = await ask('GET', '/metrics')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    return (await response.text()).split('\n')
  }
  return { ...made, scrape }
}

test('a scrape has the depth by state and task, the oldest waiting age, and the units in use', async () => {
  const { jobs, clock, scrape } = await scraped()
  await jobs.insert(needs, {})
  await jobs.runUntilEmpty(deadlineIn(1_000), { settleMs: 10 })
  await jobs.insert(good, {})
  await jobs.insert(good, {})
  await jobs.insert(good, {}, { runAt: new Date(Date.now() + 3_600_000) })
  await clock.advance({ seconds: 20 })
  const lines = await scrape()
  expect(lines).toContain('# TYPE jobmaster_jobs gauge')
  expect(lines).toContain('jobmaster_jobs{task="cool.good",status="waiting"} 2')
  expect(lines).toContain('jobmaster_jobs{task="cool.good",status="scheduled"} 1')
  expect(lines).toContain('jobmaster_jobs{task="cool.needs",status="blocked"} 1')
  expect(lines).toContain('jobmaster_jobs{task="cool.endless",status="running"} 1')
  expect(lines).toContain('jobmaster_jobs{task="cool.bad",status="waiting"} 0')
  expect(lines).toContain('jobmaster_process_units{system="default"} 100')
  expect(lines).toContain('jobmaster_process_units_in_use{system="default"} 20')
  const oldest = lines.find((line) => line.startsWith('jobmaster_oldest_waiting_seconds{task="cool.good"}'))
  expect(Number(oldest?.split(' ')[1])).toBeGreaterThanOrEqual(20)
})

test('a scrape counts what completed, failed, was retried, cancelled and lost, and pruning takes nothing from it', async () => {
  const { jobs, clock, scrape } = await scraped()
  await jobs.insertMany([good, good, good, bad, flaky, endless].map((each) => ({ task: each, args: {} })))
  const waiting = await jobs.insert(good, {}, { runAt: new Date(Date.now() + 3_600_000) })
  await jobs.runUntilEmpty(deadlineIn(1_000), { settleMs: 20 })
  await jobs.cancel(waiting.id)
  await clock.advance({ minutes: 1 })
  await jobs.pause({ task: 'cool.endless' })
  await jobs.runUntilEmpty(deadlineIn(), { settleMs: 20 })
  const expected = [
    'jobmaster_outcomes_total{task="cool.bad",outcome="failed"} 1',
    'jobmaster_outcomes_total{task="cool.endless",outcome="lost"} 1',
    'jobmaster_outcomes_total{task="cool.flaky",outcome="retried"} 2',
    'jobmaster_outcomes_total{task="cool.good",outcome="cancelled"} 1',
    'jobmaster_outcomes_total{task="cool.good",outcome="completed"} 3',
  ]
  const outcomes = async () => (await scrape()).filter((line) => line.startsWith('jobmaster_outcomes_total'))
  expect(await outcomes()).toEqual(expected)
  expect(await scrape()).toContain('jobmaster_paused{task="cool.endless"} 1')
  await clock.advance({ hours: 1 })
  await jobs.prune({ completed: '1 minute', failed: '1 minute' })
  expect(await outcomes()).toEqual(expected)
})

test('the counts stay the same while they are merged, a minute and a day later', async () => {
  const { database, jobs, clock, scrape, sql } = await scraped()
  for (let drain = 0; drain < 3; drain += 1) {
    await jobs.insertMany([good, bad].map((each) => ({ task: each, args: {} })))
    await jobs.runUntilEmpty(deadlineIn())
  }
  const rows = () =>
    sql`select merged, minute = '-infinity' as total, jobs::integer from jobmaster.tallies order by jobs, merged`
  expect(await rows()).toHaveLength(6)
  const idle = createJobMaster({ db: database.db, tasks: { cool } })
  await clock.advance({ minutes: 4 })
  await idle.runUntilEmpty(deadlineIn())
  expect((await rows()).every(({ merged, total }) => merged && !total)).toBe(true)
  await clock.advance({ hours: 25 })
  await idle.runUntilEmpty(deadlineIn())
  expect(await rows()).toEqual([
    { merged: true, total: true, jobs: 3 },
    { merged: true, total: true, jobs: 3 },
  ])
  expect(await scrape()).toContain('jobmaster_outcomes_total{task="cool.good",outcome="completed"} 3')
})

test('a label with a quote, a backslash or a line break is escaped', async () => {
  const { database, jobs } = await scraped()
  const odd = createJobMaster({ db: database.db, tasks: { cool }, system: 'a"b\\c\nd' })
  await odd.runUntilEmpty(deadlineIn())
  expect((await jobs.metrics()).split('\n')).toContain('jobmaster_process_units{system="a\\"b\\\\c\\nd"} 10000')
})
