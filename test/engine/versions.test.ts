import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

const plain = () => task({ params: { n: v.number() }, run: ({ n }) => n })
const changed = () => task({ params: { n: v.number() }, processUnits: 2, run: () => 'from other code' })

test('code that has a task by another definition leaves its jobs, and names the task', async () => {
  const task1 = plain()
  const { jobs, database } = await setup({ cool: { task: task1 } })
  const job = await jobs.insert(task1, { n: 1 })
  const older = await setup({ cool: { task: changed() } }, { database, deploy: false })
  const report = await older.jobs.runUntilEmpty(deadlineIn())
  expect(report).toMatchObject({ completed: 0, stopReason: 'empty', remaining: 1, skew: ['cool.task'] })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'waiting', attempt: 0 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, skew: [] })
})

test('code that does not have a task leaves its jobs, and runs those that it has', async () => {
  const cool = { one: plain(), two: plain() }
  const { jobs, database } = await setup({ cool })
  await jobs.insert(cool.one, { n: 1 }, { priority: 9 })
  await jobs.insert(cool.two, { n: 2 })
  const other = await setup({ cool: { two: plain() } }, { database, deploy: false })
  expect(await other.jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, remaining: 1, skew: ['cool.one'] })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, remaining: 0 })
})

test('an invocation of older code does not replace the catalog', async () => {
  const { jobs, database } = await setup({ cool: { task: plain() } })
  const older = await setup({ cool: { task: changed() } }, { database, deploy: false })
  await older.jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.plan()).upToDate).toBe(true)
})

test('after a deploy of the other code its jobs are run by that, with the arguments they were inserted with', async () => {
  const task1 = plain()
  const { jobs, database } = await setup({ cool: { task: task1 } })
  const job = await jobs.insert(task1, { n: 1 })
  const newer = await setup({ cool: { task: changed() } }, { database })
  expect(await newer.jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  expect(await jobs.get(job.id)).toMatchObject({ result: 'from other code', args: { n: 1 } })
})

test.each([
  [1, 2, 'scheduled'],
  [2, 1, 'failed'],
])(
  'a job that runs while its maxAttempts are changed from %i to %i has those when it fails',
  async (were, are, status) => {
    const gate = new Gate()
    const failing = (maxAttempts: number) =>
      task({
        params: {},
        maxAttempts,
        async run() {
          await gate.pass()
          throw new Error('no')
        },
      })
    const before = failing(were)
    const { jobs, database } = await setup({ cool: { task: before } })
    const job = await jobs.insert(before, {})
    const drained = jobs.runUntilEmpty(deadlineIn())
    await gate.holds(1)
    await setup({ cool: { task: failing(are) } }, { database })
    gate.open()
    await drained
    expect(await jobs.get(job.id)).toMatchObject({ status, maxAttempts: are, failures: 1 })
  },
)

test('a job can be inserted by name, without its code', async () => {
  const { jobs, database } = await setup({ cool: { task: plain() } })
  const codeless = await setup({}, { database, deploy: false })
  const job = await codeless.jobs.insert('cool.task', { n: 8 }, { priority: 2 })
  expect(job).toMatchObject({ task: 'cool.task', status: 'waiting', priority: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.get(job.id))?.result).toBe(8)
})

test('two schemas in one database keep their jobs apart', async () => {
  const cool = { task: plain() }
  const { jobs, database } = await setup({ cool })
  const mistress = await setup({ cool }, { database, schema: 'job_mistress' })
  await mistress.jobs.insert(cool.task, { n: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0, remaining: 0 })
  expect(await mistress.jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
})
