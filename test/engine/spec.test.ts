import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { task } from 'jobmaster'
import { writeFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

// spec.md, "Usage". The other sections are in spec-*.test.ts.

const things1 = {
  foo: task({
    description: 'Write a number to a file.',
    params: {
      file_path: v.pipe(v.string(), v.description('the file to write to')),
      number: v.pipe(v.picklist([1, 2, 3]), v.description('the number to write')),
    },
    async run({ file_path, number }) {
      await writeFile(file_path, String(number))
    },
  }),
}

test('any function can become a task: a job runs it with its arguments', async () => {
  const { jobs } = await setup({ things1 })
  const file_path = await newFile()
  await jobs.insert(things1.foo, { file_path, number: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(await readFile(file_path, 'utf8')).toBe('2')
})

test("a task is registered with the module's key as type key and the function's name as task key", async () => {
  const { sql } = await setup({ things1 })
  expect(await sql`select type_key, task_key, description from jobmaster.tasks`).toEqual([
    { type_key: 'things1', task_key: 'foo', description: 'Write a number to a file.' },
  ])
})

test("call jobmaster.insert_job('things1', 'foo', 10, '{…}'::json) adds a job to the queue, from any connection", async () => {
  const { jobs, sql } = await setup({ things1 })
  const file_path = await newFile()
  await sql(`call jobmaster.insert_job('things1', 'foo', 10, '{"file_path": "${file_path}", "number": 2}'::json)`)
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  expect(await readFile(file_path, 'utf8')).toBe('2')
})

test('insert_job takes the type key, the task key, the priority and the arguments as JSON', async () => {
  const { jobs, sql } = await setup({ things1 })
  const [row] = await sql(
    `call jobmaster.insert_job('things1', 'foo', 10, '{"file_path": "/nowhere", "number": 2}'::json)`,
  )
  expect(await jobs.get(row!.id)).toMatchObject({
    task: 'things1.foo',
    priority: 10,
    args: { file_path: '/nowhere', number: 2 },
    status: 'waiting',
  })
})

test('jobs are instances of tasks with arguments: the same task runs once for each job', async () => {
  const { jobs } = await setup({ things1 })
  const files = [await newFile(), await newFile(), await newFile()]
  await jobs.insertMany(
    files.map((file_path, index) => ({ task: things1.foo, args: { file_path, number: ([1, 2, 3] as const)[index]! } })),
  )
  await jobs.runUntilEmpty(deadlineIn())
  expect(await Promise.all(files.map((file) => readFile(file, 'utf8')))).toEqual(['1', '2', '3'])
})

test('a script runs jobs from the queue until the queue is empty, and is told which', async () => {
  const { jobs } = await setup({ things1 })
  const file_path = await newFile()
  const inserted = [
    await jobs.insert(things1.foo, { file_path, number: 1 }),
    await jobs.insert(things1.foo, { file_path, number: 2 }),
  ]
  const report = await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(report).toMatchObject({ stopReason: 'empty', completed: 2, remaining: 0 })
  expect(report.jobs.map(({ id, task, status }) => ({ id, task, status }))).toEqual(
    inserted.map(({ id }) => ({ id, task: 'things1.foo', status: 'completed' })),
  )
  expect((await jobs.runUntilEmpty(deadlineIn())).jobs).toEqual([])
})

test('a job that a handler inserts is run before the queue counts as empty', async () => {
  const ran: number[] = []
  const countdown = task({
    params: { number: v.number() },
    async run({ number }, ctx) {
      ran.push(number)
      if (number > 0) await ctx.insert('things.countdown', { number: number - 1 })
    },
  })
  const { jobs } = await setup({ things: { countdown } })
  await jobs.insert(countdown, { number: 2 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(ran).toEqual([2, 1, 0])
})

test('jobs of a higher priority run first, and those of one priority in the order of their insert', async () => {
  const ran: string[] = []
  const note = task({ params: { name: v.string() }, run: ({ name }) => void ran.push(name) })
  const { jobs, sql } = await setup({ things: { note } })
  for (const [name, priority] of Object.entries({ low: -5, first: 0, high: 10, second: 0, highest: 11 })) {
    await sql(`call jobmaster.insert_job('things', 'note', ${priority}, '{"name": "${name}"}'::json)`)
  }
  await jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(ran).toEqual(['highest', 'high', 'first', 'second', 'low'])
})

async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jobmaster-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'sum.txt')
}
