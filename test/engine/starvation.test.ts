import { task } from 'jobmaster'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

/** A system of 10 units of which a job that goes on holds 5; a heavy job needs 8, light ones 1. */
async function crowded(lightTimeoutMs?: number) {
  const gate = new Gate()
  const ran: string[] = []
  const cool = {
    long: task({ params: {}, processUnits: 5, run: () => gate.pass() }),
    heavy: task({ params: {}, processUnits: 8, run: () => void ran.push('heavy') }),
    light: task({
      params: {},
      ...(lightTimeoutMs !== undefined && { timeoutMs: lightTimeoutMs }),
      run: () => void ran.push('light'),
    }),
  }
  const made = await setup({ cool }, { systemProcessUnits: 10 })
  await made.jobs.insert(cool.long, {})
  // It takes nothing else, and its lease lasts longer than the test lets pass.
  const first = made.jobs.runUntilEmpty(deadlineIn(), { graceMs: 600_000, concurrency: 1 })
  await gate.holds(1)
  await made.jobs.insert(cool.heavy, {})
  await made.jobs.insert(cool.light, {})
  return { ...made, cool, gate, ran, first }
}

test('a heavy job is passed over by lighter ones behind it for a minute', async () => {
  const { jobs, gate, ran, first } = await crowded()
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, stopReason: 'capacity' })
  expect(ran).toEqual(['light'])
  gate.open()
  await first
})

test('once a heavy job has been due for a minute its units are kept: nothing behind it is started', async () => {
  const { jobs, cool, clock, gate, ran, first } = await crowded()
  await clock.advance({ seconds: 61 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, stopReason: 'capacity', remaining: 2 })
  const urgent = await jobs.insert(cool.light, {}, { priority: 1 })
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(report.jobs.map(({ id }) => id)).toEqual([urgent.id])
  gate.open()
  await first
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual(['light', 'heavy', 'light'])
})

test('what says by its timeout that it ends before those units are free is started all the same', async () => {
  const { jobs, clock, gate, ran, first } = await crowded(60_000)
  await clock.advance({ seconds: 61 })
  await jobs.runUntilEmpty(deadlineIn(70_000))
  expect(ran).toEqual(['light'])
  gate.open()
  await first
})

test('what could outlast those units is not, though it has a timeout', async () => {
  const { jobs, clock, gate, ran, first } = await crowded(3_600_000)
  await clock.advance({ seconds: 61 })
  await jobs.runUntilEmpty(deadlineIn(3_700_000))
  expect(ran).toEqual([])
  gate.open()
  await first
})

test('the units are kept for a heavy job that has lost its invocation too, though it is tried alone', async () => {
  const { jobs, sql, clock, gate, ran, first } = await crowded()
  await sql`update jobmaster.jobs set suspect = true where process_units = 8`
  await clock.advance({ seconds: 61 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, stopReason: 'capacity', remaining: 2 })
  gate.open()
  await first
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual(['heavy', 'light'])
})
