import { dependsOn, task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

const order: number[] = []
const noting = () => {
  order.length = 0
  return task({ params: {}, run: (_, ctx) => void order.push(ctx.job.id) })
}
const later = () => new Date(Date.now() + 3_600_000)

test("a waiting job's priority can be changed, and it runs by the new one", async () => {
  const note = noting()
  const { jobs } = await setup({ cool: { note } })
  const first = await jobs.insert(note, {})
  const second = await jobs.insert(note, {})
  expect(await jobs.change(second.id, { priority: 7 })).toMatchObject({ id: second.id, priority: 7, status: 'waiting' })
  await jobs.runUntilEmpty(deadlineIn())
  expect(order).toEqual([second.id, first.id])
})

test('a job can be put off, and brought forward', async () => {
  const note = noting()
  const { jobs, clock } = await setup({ cool: { note } })
  const job = await jobs.insert(note, {})
  const runAt = later()
  expect(await jobs.change(job.id, { runAt })).toMatchObject({ status: 'scheduled', runAt, priority: 0 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, nextWakeAt: expect.any(Date) })
  expect(await jobs.change(job.id, { runAt: new Date(0) })).toMatchObject({ status: 'waiting' })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })

  const other = await jobs.insert(note, {})
  await jobs.change(other.id, { runAt: later() })
  await clock.advance({ hours: 2 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
})

test('a job that backs off can be brought forward', async () => {
  let failing = true
  const act = task({
    params: {},
    run() {
      if (failing) throw new Error('no')
    },
  })
  const { jobs } = await setup({ cool: { act } })
  const job = await jobs.insert(act, {})
  await jobs.runUntilEmpty(deadlineIn())
  failing = false
  expect(await jobs.change(job.id, { runAt: new Date() })).toMatchObject({ status: 'waiting', failures: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
})

test('a job that is put off is not what a dependency waits for; brought forward it is again', async () => {
  const source = task({ params: {}, run() {} })
  const report = task({ params: {}, dependencies: dependsOn(source), run() {} })
  const { jobs } = await setup({ cool: { source, report } })
  const putOff = await jobs.insert(source, {})
  await jobs.change(putOff.id, { runAt: later() })
  await jobs.insert(report, {})
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 2, blocked: 1 })
  expect((await jobs.get(putOff.id))?.status).toBe('scheduled')
})

test('a raised priority is handed to what the job is blocked on', async () => {
  const source = task({ params: {}, run() {} })
  const report = task({ params: {}, dependencies: dependsOn(source), run() {} })
  const { jobs } = await setup({ cool: { source, report } })
  await jobs.pause({ task: 'cool.source' })
  const job = await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.change(job.id, { priority: 20 })).toMatchObject({ status: 'blocked', priority: 20 })
  const { jobs: sources } = await jobs.list({ task: 'cool.source' })
  expect(sources.map(({ priority }) => priority)).toEqual([21])
})

test('a blocked job that is put off looks again when it is due', async () => {
  const source = task({ params: {}, run() {} })
  const report = task({ params: {}, dependencies: dependsOn(source), run() {} })
  const { jobs, sql, clock } = await setup({ cool: { source, report } })
  await jobs.pause({ task: 'cool.source' })
  const job = await jobs.insert(report, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.change(job.id, { runAt: later() })).toMatchObject({ status: 'scheduled' })
  expect(await sql`select * from jobmaster.blockers`).toEqual([])
  await jobs.resume({ task: 'cool.source' })
  await clock.advance({ hours: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.get(job.id))?.status).toBe('completed')
})

test('the same in SQL', async () => {
  const note = noting()
  const { jobs, sql } = await setup({ cool: { note } })
  const job = await jobs.insert(note, {})
  expect(await sql(`select jobmaster.change(${job.id}, priority => 5) as status`)).toEqual([{ status: 'waiting' }])
  expect(await sql(`select jobmaster.change(${job.id}, run_at => now() + interval '1 day') as status`)).toEqual([
    { status: 'scheduled' },
  ])
  expect(await jobs.get(job.id)).toMatchObject({ priority: 5, status: 'scheduled' })
})

test('a change is refused, naming what is wrong', async () => {
  const gate = new Gate()
  const step = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ cool: { step } })
  const job = await jobs.insert(step, {})
  const refused = (change: Parameters<typeof jobs.change>[1], code: string, message: string, id = job.id) =>
    expect(jobs.change(id, change)).rejects.toMatchObject({ code, message })
  await refused({}, 'JM008', `change: give job #${job.id} a priority, a runAt, or both`)
  for (const priority of [1.5, NaN, 3e9, 1e300]) {
    const message = `change: priority must be a whole number between -1000000000 and 1000000000, got ${priority}`
    await refused({ priority }, 'JM008', message)
  }
  await refused(
    { priority: 2_000_000_000 },
    'JM008',
    'change: priority must be a whole number between -1000000000 and 1000000000, got 2000000000',
  )
  await refused(
    { runAt: new Date(Number.NaN) },
    'JM008',
    'change: runAt must be a valid Date in the years 1 to 9999, got Invalid Date',
  )
  await refused({ priority: 1 }, 'JM011', 'there is no job #404', 404)
  const drained = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  await refused({ priority: 1 }, 'JM012', `job #${job.id} is running: only a job that waits can be changed`)
  gate.open()
  await drained
  await refused({ priority: 1 }, 'JM012', `job #${job.id} is completed: only a job that waits can be changed`)
})
