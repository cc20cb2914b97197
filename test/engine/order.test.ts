import { dependsOn, same, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

/** A task that notes which of its jobs ran, in order. */
function noting() {
  const ran: string[] = []
  const note = task({
    params: { name: v.string() },
    run({ name }) {
      ran.push(name)
    },
  })
  return { ran, note, letters: { note } }
}

/** c depends on b, which depends on a; a weighs 5. */
function chain() {
  const a = task({ params: { n: v.number() }, processUnits: 5, run() {} })
  const b = task({ params: { n: v.number() }, dependencies: dependsOn(a, { args: { n: same } }), run() {} })
  const c = task({ params: { n: v.number() }, dependencies: dependsOn(b, { args: { n: same } }), run() {} })
  return { a, b, c }
}

/** The priorities of the jobs that are not finished, by task. */
async function priorities(jobs: Awaited<ReturnType<typeof setup>>['jobs']) {
  const list = await jobs.list()
  return Object.fromEntries(list.jobs.filter((job) => !job.finishedAt).map((job) => [job.task, job.priority]))
}

test('a job of higher priority runs first', async () => {
  const { ran, note, letters } = noting()
  const { jobs } = await setup({ letters })
  await jobs.insert(note, { name: 'low' }, { priority: -5 })
  await jobs.insert(note, { name: 'none' })
  await jobs.insert(note, { name: 'high' }, { priority: 1_000_000_000 })
  await jobs.insert(note, { name: 'middle' }, { priority: 7 })
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(ran).toEqual(['high', 'middle', 'none', 'low'])
})

test('of two jobs with the same priority the older runs first', async () => {
  const { ran, note, letters } = noting()
  const { jobs } = await setup({ letters })
  for (const name of ['first', 'second', 'third']) await jobs.insert(note, { name }, { priority: 3 })
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(ran).toEqual(['first', 'second', 'third'])
})

test('the order holds over many small claims', async () => {
  const { ran, note, letters } = noting()
  const { jobs } = await setup({ letters })
  const items = Array.from({ length: 60 }, (_, index) => ({ name: String(index), priority: (index * 7) % 11 }))
  await jobs.insertMany(items.map(({ name, priority }) => ({ task: note, args: { name }, priority })))
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1, batchSize: 4 })
  const sorted = items.toSorted((one, other) => other.priority - one.priority || Number(one.name) - Number(other.name))
  expect(ran).toEqual(sorted.map(({ name }) => name))
})

test('a job inserted while others run takes its place by its priority, at the latest a second on', async () => {
  const ran: string[] = []
  let time = Date.now()
  const note = task({
    params: { name: v.string() },
    async run({ name }, ctx) {
      ran.push(name)
      if (name === '0') await ctx.insert('letters.note', { name: 'urgent' }, { priority: 9 })
      time += 600
    },
  })
  const { jobs } = await setup({ letters: { note } }, { now: () => time })
  await jobs.insertMany(Array.from({ length: 12 }, (_, index) => ({ task: note, args: { name: String(index) } })))
  await jobs.runUntilEmpty(new Date(time + 3_600_000), { concurrency: 1, batchSize: 1 })
  expect(ran).toHaveLength(13)
  expect(ran.indexOf('urgent')).toBeLessThanOrEqual(3)
})

test("a dependency gets its dependent's priority + 1", async () => {
  const tasks = chain()
  const { jobs, database } = await setup({ chain: tasks })
  await jobs.insert(tasks.b, { n: 1 }, { priority: 10 })
  const small = await setup({ chain: tasks }, { database, deploy: false, systemProcessUnits: 3 })
  await small.jobs.runUntilEmpty(deadlineIn())
  expect(await priorities(jobs)).toEqual({ 'chain.a': 11, 'chain.b': 10 })
})

test('a dependency of a job at the highest priority has the highest priority', async () => {
  const tasks = chain()
  const { jobs } = await setup({ chain: tasks })
  const job = await jobs.insert(tasks.b, { n: 1 }, { priority: 1_000_000_000 })
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(report.completed).toBe(2)
  expect((await jobs.list({ task: 'chain.a' })).jobs[0]).toMatchObject({ priority: job.priority, status: 'completed' })
})

test('a matching job that is in the queue with a lower priority is raised to that', async () => {
  const tasks = chain()
  const { jobs, database } = await setup({ chain: tasks })
  const old = await jobs.insert(tasks.a, { n: 1 }, { priority: 2 })
  const small = await setup({ chain: tasks }, { database, deploy: false, systemProcessUnits: 3 })
  await jobs.insert(tasks.b, { n: 1 }, { priority: 10 })
  await small.jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.get(old.id)).toMatchObject({ priority: 11, status: 'waiting' })
})

test('a matching job that has a higher priority keeps it', async () => {
  const tasks = chain()
  const { jobs, database } = await setup({ chain: tasks })
  const old = await jobs.insert(tasks.a, { n: 1 }, { priority: 50 })
  const small = await setup({ chain: tasks }, { database, deploy: false, systemProcessUnits: 3 })
  await jobs.insert(tasks.b, { n: 1 }, { priority: 10 })
  await small.jobs.runUntilEmpty(deadlineIn())
  expect(await jobs.get(old.id)).toMatchObject({ priority: 50, status: 'waiting' })
})

test('where a matching job is blocked, the jobs it waits for are raised along the chain', async () => {
  const tasks = chain()
  const { jobs, database } = await setup({ chain: tasks })
  const small = await setup({ chain: tasks }, { database, deploy: false, systemProcessUnits: 3 })
  await jobs.insert(tasks.b, { n: 1 })
  await small.jobs.runUntilEmpty(deadlineIn())
  expect(await priorities(jobs)).toEqual({ 'chain.a': 1, 'chain.b': 0 })
  await jobs.insert(tasks.c, { n: 1 }, { priority: 40 })
  await small.jobs.runUntilEmpty(deadlineIn())
  expect(await priorities(jobs)).toEqual({ 'chain.a': 42, 'chain.b': 41, 'chain.c': 40 })
})

test('a dependency that is raised runs before what was ahead of it', async () => {
  const ran: string[] = []
  const base = task({
    params: { n: v.number() },
    run({ n }) {
      ran.push(`base ${n}`)
    },
  })
  const top = task({
    params: { n: v.number() },
    dependencies: dependsOn(base, { args: { n: same } }),
    run({ n }) {
      ran.push(`top ${n}`)
    },
  })
  const { jobs } = await setup({ cool: { base, top } })
  await jobs.insertMany([1, 2, 3, 4].map((n) => ({ task: base, args: { n } })))
  await jobs.insert(top, { n: 4 }, { priority: 5 })
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1, batchSize: 1 })
  expect(ran).toEqual(['base 4', 'top 4', 'base 1', 'base 2', 'base 3'])
})
