import * as v from 'valibot'
import { createJobMaster, dependsOn, same, task } from 'jobmaster'
import { afterEach, expect, test, vi } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

// spec.md, "Process units".

const variable = 'JOBMASTER_SYSTEM_PROCESS_UNITS'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('the process units of the system are given to createJobMaster', async () => {
  vi.stubEnv(variable, '500')
  const { jobs } = await setup({}, { systemProcessUnits: 1_000, env: { [variable]: '500' }, deploy: false })
  expect(jobs.systemProcessUnits).toBe(1_000)
})

test('where none are given they are those of JOBMASTER_SYSTEM_PROCESS_UNITS', async () => {
  const { jobs } = await setup({}, { env: { [variable]: '500' }, deploy: false })
  expect(jobs.systemProcessUnits).toBe(500)
  vi.stubEnv(variable, '700')
  const { jobs: ofTheProcess } = await setup({}, { deploy: false })
  expect(ofTheProcess.systemProcessUnits).toBe(700)
})

test('where that is not set they are 10,000', async () => {
  const { jobs } = await setup({}, { env: {}, deploy: false })
  expect(jobs.systemProcessUnits).toBe(10_000)
  vi.stubEnv(variable, undefined)
  const { jobs: ofTheProcess } = await setup({}, { deploy: false })
  expect(ofTheProcess.systemProcessUnits).toBe(10_000)
})

test.each(['', 'many', '12.5', '1e3', '0x10', '1_000', '1,000', '12 GB'])(
  'where that is not formatted like an integer they are 10,000: %j',
  async (value) => {
    const { jobs } = await setup({}, { env: { [variable]: value }, deploy: false })
    expect(jobs.systemProcessUnits).toBe(10_000)
  },
)

test.each([0, -1, 1.5, Number.NaN, 2 ** 31])('units that no system can have are refused: %d', (systemProcessUnits) => {
  const db = { execute: () => Promise.reject(new Error('not asked')) }
  expect(() => createJobMaster({ db, systemProcessUnits })).toThrow(
    `createJobMaster: systemProcessUnits must be a whole number from 1, got ${systemProcessUnits}`,
  )
})

test('a task requires 1 process unit where it does not say', async () => {
  const gate = new Gate()
  const foo = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ things: { foo } }, { systemProcessUnits: 2 })
  const inserted = await jobs.insertMany([
    { task: foo, args: {} },
    { task: foo, args: {} },
    { task: foo, args: {} },
  ])
  expect(inserted.map(({ processUnits }) => processUnits)).toEqual([1, 1, 1])
  const run = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(2)
  expect((await jobs.list({ status: 'running' })).jobs).toHaveLength(2)
  expect(await jobs.explain(inserted[2]!.id)).toMatch('units: needs 1, 0 of 2 free on default')
  gate.open()
  expect((await run).completed).toBe(3)
  expect(gate.most).toBe(2)
})

test('a waiting job is popped only where its process units are at most those of the system less those of the jobs running on it', async () => {
  const { foo, gate } = held(60)
  const ran: string[] = []
  const note = (processUnits: number) =>
    task({ params: {}, processUnits, run: (_, ctx) => void ran.push(ctx.job.task) })
  const things = { foo, of41: note(41), of40: note(40), of1: note(1) }
  const { jobs, database } = await setup({ things }, { systemProcessUnits: 100 })
  await jobs.insert(foo, {})
  const holding = jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  await gate.holds(1)

  const other = await setup({ things }, { database, systemProcessUnits: 100 })
  await other.jobs.insert(things.of41, {}, { priority: 10 })
  await other.jobs.insert(things.of40, {})
  await other.jobs.insert(things.of1, {})
  expect(await other.jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })).toMatchObject({
    stopReason: 'capacity',
    remaining: 1,
  })
  expect(ran).toEqual(['things.of40', 'things.of1'])

  gate.open()
  await holding
  expect(ran).toEqual(['things.of40', 'things.of1', 'things.of41'])
})

test('jobs running on another system take nothing from this one', async () => {
  const { foo, gate } = held(100)
  const bar = task({ params: {}, processUnits: 100, run: () => {} })
  const things = { foo, bar }
  const east = await setup({ things }, { system: 'east', systemProcessUnits: 100 })
  const west = await setup({ things }, { system: 'west', systemProcessUnits: 100, database: east.database })
  await east.jobs.insert(foo, {})
  const holding = east.jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  await gate.holds(1)
  const job = await west.jobs.insert(bar, {})
  expect((await west.jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  expect((await west.jobs.get(job.id))?.system).toBe('west')
  gate.open()
  await holding
})

test('the example: bar of 20 units needs foo of 10, each taking its own while it runs', async () => {
  const taken: [string, unknown][] = []
  const b = v.picklist([1, 2, 3])
  const { sql, jobs } = await setup(exampleTasks(), { systemProcessUnits: 20 })
  await sql(`call jobmaster.insert_job('cool_tasks', 'bar', 1, '{"a": 1, "b": "ALL", "c": "x"}'::json)`)
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 6, stopReason: 'empty' })
  expect(taken.filter(([name]) => name === 'cool_tasks.bar').map(([, units]) => units)).toEqual([20, 20, 20])
  for (const [name, units] of taken) expect([10, 20], name).toContain(units)

  function exampleTasks() {
    const note = async (_: object, ctx: { job: { task: string } }) => {
      const [row] = await sql`select sum(process_units)::integer as units from jobmaster.jobs where status = 'running'`
      taken.push([ctx.job.task, row!.units])
    }
    const foo = task({ processUnits: 10, writeAll: ['b'], params: { a: v.number(), b }, run: note })
    const bar = task({
      typeKey: 'cool_tasks',
      writeAll: ['b'],
      dependencies: dependsOn(foo, { withinHours: 2, args: { a: 1, b: same } }),
      processUnits: 20,
      params: { a: v.number(), b, c: v.string() },
      run: note,
    })
    return { my_tasks: { foo, bar } }
  }
})

/** A task whose jobs wait at a gate. */
function held(processUnits: number) {
  const gate = new Gate()
  return { foo: task({ params: {}, processUnits, run: () => gate.pass() }), gate }
}
