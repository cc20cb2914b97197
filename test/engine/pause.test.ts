import { createJobMaster, task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

const nothing = () => task({ params: {}, run() {} })

test('nothing of a paused task is claimed until it is resumed, and the drain says why', async () => {
  const cool = { still: nothing(), lively: nothing() }
  const { jobs, sql } = await setup({ cool })
  const { pausedAt } = await jobs.pause({ task: 'cool.still' })
  expect(pausedAt).toBeInstanceOf(Date)
  expect(await jobs.pause({ task: 'cool.still' })).toEqual({ pausedAt })
  const job = await jobs.insert(cool.still, {})
  await jobs.insert(cool.lively, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, remaining: 1, stopReason: 'paused' })
  expect(await jobs.explain(job.id)).toContain('paused: the task, since ')
  expect(await sql`select why_not from jobmaster.queue`).toEqual([{ why_not: 'paused' }])
  expect((await jobs.tasks()).map(({ task, pausedAt }) => [task, pausedAt])).toEqual([
    ['cool.lively', null],
    ['cool.still', pausedAt],
  ])
  await jobs.resume({ task: 'cool.still' })
  await jobs.resume({ task: 'cool.still' })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, stopReason: 'empty' })
})

test('nothing is claimed on a paused system until it is resumed, and other systems go on', async () => {
  const cool = { act: nothing() }
  const { jobs, database, sql } = await setup({ cool }, { system: 'europe' })
  const asia = createJobMaster({ db: database.db, tasks: { cool }, system: 'asia' })
  await jobs.runUntilEmpty(deadlineIn())
  await asia.runUntilEmpty(deadlineIn())
  const { pausedAt } = await jobs.pause({ system: 'europe' })
  const job = await jobs.insert(cool.act, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, remaining: 1, stopReason: 'paused' })
  expect(await jobs.explain(job.id)).toContain('paused: the system europe, since ')
  expect(await jobs.room(10)).toBe(0)
  expect((await jobs.status()).systems).toEqual([
    { system: 'asia', processUnits: 10_000, unitsInUse: 0, pausedAt: null },
    { system: 'europe', processUnits: 10_000, unitsInUse: 0, pausedAt },
  ])
  expect(await sql`select why_not from jobmaster.queue`).toEqual([{ why_not: null }])
  await asia.pause({ system: 'asia' })
  expect(await sql`select why_not from jobmaster.queue`).toEqual([{ why_not: 'paused: every system' }])
  await asia.resume({ system: 'asia' })
  expect(await asia.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  await jobs.insert(cool.act, {})
  await jobs.resume({ system: 'europe' })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, stopReason: 'empty' })
})

test('what runs when its task and its system are paused goes on to its end', async () => {
  const gate = new Gate()
  const step = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ cool: { step } })
  const job = await jobs.insert(step, {})
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  await jobs.pause({ task: 'cool.step' })
  await jobs.pause({ system: 'default' })
  gate.open()
  await drained
  expect((await jobs.get(job.id))?.status).toBe('completed')
})

test('nobody is woken for a job of a paused task, nor on a paused system', async () => {
  const cool = { still: nothing(), lively: nothing() }
  const { jobs } = await setup({ cool })
  const soon = new Date(Date.now() + 3_600_000)
  const late = new Date(Date.now() + 7_200_000)
  const wake = async () => (await jobs.runUntilEmpty(deadlineIn())).nextWakeAt?.getTime() ?? null
  await jobs.insert(cool.still, {}, { runAt: soon })
  await jobs.pause({ task: 'cool.still' })
  expect(await wake()).toBeNull()
  await jobs.insert(cool.lively, {}, { runAt: late })
  expect(Math.abs((await wake())! - late.getTime())).toBeLessThan(5_000)
  await jobs.pause({ system: 'default' })
  expect(await wake()).toBeNull()
  await jobs.resume({ system: 'default' })
  await jobs.resume({ task: 'cool.still' })
  expect(Math.abs((await wake())! - soon.getTime())).toBeLessThan(5_000)
})

test('an idle tick is one statement while a task and the system are paused', async () => {
  const cool = { act: nothing() }
  const { jobs, statements } = await setup({ cool })
  await jobs.insert(cool.act, {}, { runAt: new Date(Date.now() + 3_600_000) })
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.pause({ task: 'cool.act' })
  await jobs.pause({ system: 'default' })
  statements.reset()
  await jobs.runUntilEmpty(deadlineIn())
  expect(statements.count).toBe(1)
})

test('the same in SQL', async () => {
  const cool = { act: nothing() }
  const { jobs, sql } = await setup({ cool })
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.insert(cool.act, {})
  await sql(`select jobmaster.pause(task => 'cool.act')`)
  await sql(`select jobmaster.pause(system => 'default')`)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, stopReason: 'paused' })
  await sql(`select jobmaster.resume(system => 'default')`)
  await sql(`select jobmaster.resume('cool.act')`)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
})

test('a deploy leaves paused what is', async () => {
  const { jobs, database } = await setup({ cool: { act: nothing() } })
  const { pausedAt } = await jobs.pause({ task: 'cool.act' })
  const act = task({ params: {}, maxAttempts: 7, run() {} })
  const changed = createJobMaster({ db: database.db, tasks: { cool: { act } } })
  await changed.deploy()
  expect((await changed.tasks())[0]).toMatchObject({ maxAttempts: 7, pausedAt })
})

test.each(['pause', 'resume'] as const)('%s of what there is not is refused, naming what there is', async (verb) => {
  const { jobs } = await setup({ cool: { act: nothing() } })
  await expect(jobs[verb]({ system: 'mars' })).rejects.toMatchObject({
    code: 'JM015',
    message: 'unknown system mars (no invocation has run yet)',
  })
  await jobs.runUntilEmpty(deadlineIn())
  await expect(jobs[verb]({ system: 'mars' })).rejects.toMatchObject({
    code: 'JM015',
    message: 'unknown system mars (known: default)',
  })
  await expect(jobs[verb]({ task: 'cool.none' })).rejects.toMatchObject({
    code: 'JM001',
    message: 'unknown task cool.none (known in cool: act)',
  })
  // What TypeScript would refuse, JavaScript sends all the same.
  await expect(jobs[verb]({} as { task: string })).rejects.toMatchObject({
    code: 'JM008',
    message: `${verb}: name a task, a system or a schedule, one of them`,
  })
})
