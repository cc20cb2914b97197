import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { dependsOn, same, task } from 'jobmaster'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

// spec.md, "Simple example": foo, bar and baz of nice_tasks, which work on one file.

const int = v.pipe(v.number(), v.integer())

function niceTasks(whileReading: () => Promise<void> = async () => {}) {
  const foo = task({
    params: { file_path: v.string(), number: int },
    async run({ file_path, number }) {
      await writeFile(file_path, String(number))
    },
  })
  const bar = task({
    params: { file_path: v.string(), number: int, letter: v.optional(v.picklist(['A', 'B', 'C']), 'A') },
    dependencies: dependsOn(foo, { withinHours: 6, args: { file_path: same } }),
    async run({ file_path, number, letter }) {
      const before = Number.parseInt(await readFile(file_path, 'utf8'), 10)
      await writeFile(file_path, `${number + before}${letter}`)
    },
  })
  const baz = task({
    params: { file_path: v.string() },
    processLimit: 3,
    dependencies: [
      dependsOn(foo, { withinHours: 2, args: { number: 10, file_path: same } }),
      dependsOn(bar, { withinHours: 2, args: { file_path: same } }),
    ],
    async run({ file_path }) {
      await whileReading()
      return readFile(file_path, 'utf8')
    },
  })
  return { foo, bar, baz }
}

beforeEach(() => {
  // deploy warns of what this example leaves open: see the test that reads the warning.
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  return () => vi.restoreAllMocks()
})

test('foo, bar and baz are run in the order of their dependencies, whatever the order of their insert', async () => {
  const nice_tasks = niceTasks()
  const { jobs } = await setup({ nice_tasks })
  const file_path = await newFile()
  const baz = await jobs.insert(nice_tasks.baz, { file_path })
  await jobs.insert(nice_tasks.bar, { file_path, number: 5 })
  await jobs.insert(nice_tasks.foo, { file_path, number: 10 })
  const report = await jobs.runUntilEmpty(deadlineIn())
  expect(report.jobs.map(({ task, status }) => [task, status])).toEqual([
    ['nice_tasks.foo', 'completed'],
    ['nice_tasks.bar', 'completed'],
    ['nice_tasks.baz', 'completed'],
  ])
  expect((await jobs.get(baz.id))?.result).toBe('15A')
})

test("baz's foo, number=10 on the same file, is inserted and run by itself, and serves bar too", async () => {
  const nice_tasks = niceTasks()
  const { jobs } = await setup({ nice_tasks })
  const file_path = await newFile()
  const baz = await jobs.insert(nice_tasks.baz, { file_path })
  await jobs.insert(nice_tasks.bar, { file_path, number: 5, letter: 'C' })
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.get(baz.id))?.result).toBe('15C')
  expect((await jobs.list({ task: 'nice_tasks.foo' })).jobs).toMatchObject([
    { args: { file_path, number: 10 }, status: 'completed' },
  ])
})

test('a foo on another file does not count', async () => {
  const nice_tasks = niceTasks()
  const { jobs } = await setup({ nice_tasks })
  await jobs.insert(nice_tasks.foo, { file_path: await newFile(), number: 10 })
  await jobs.runUntilEmpty(deadlineIn())
  const file_path = await newFile()
  const bar = await jobs.insert(nice_tasks.bar, { file_path, number: 1 })
  await jobs.insert(nice_tasks.foo, { file_path, number: 7 })
  await jobs.runUntilEmpty(deadlineIn())
  expect((await jobs.get(bar.id))?.status).toBe('completed')
  expect(await readFile(file_path, 'utf8')).toBe('8A')
})

test('bar takes a foo of the past 6 hours with any number, and baz only one of the past 2 hours with number=10', async () => {
  const nice_tasks = niceTasks()
  const { jobs, clock } = await setup({ nice_tasks })
  const file_path = await newFile()
  await jobs.insert(nice_tasks.foo, { file_path, number: 10 })
  await jobs.runUntilEmpty(deadlineIn())

  await clock.advance({ hours: 5 })
  await jobs.insert(nice_tasks.bar, { file_path, number: 1 })
  expect((await jobs.runUntilEmpty(deadlineIn())).jobs.map(({ task }) => task)).toEqual(['nice_tasks.bar'])

  await jobs.insert(nice_tasks.baz, { file_path })
  expect((await jobs.runUntilEmpty(deadlineIn())).jobs.map(({ task }) => task)).toEqual([
    'nice_tasks.foo',
    'nice_tasks.baz',
  ])
})

test('a dependency with an argument that nobody gave fails its dependent, naming the argument, and deploy warns of it', async () => {
  const nice_tasks = niceTasks()
  const { jobs } = await setup({ nice_tasks })
  const baz = await jobs.insert(nice_tasks.baz, { file_path: await newFile() })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ failed: 1, stopReason: 'empty' })
  const { status, error } = (await jobs.get(baz.id))!
  expect(status).toBe('failed')
  expect(error?.message).toContain('nice_tasks.bar')
  expect(error?.message).toContain('"number"')
  expect(console.warn).toHaveBeenCalledWith(expect.stringMatching(/nice_tasks\.ba[rz].*number/s))
})

test('with process_limit=3 no more than 3 jobs of baz run at once, whoever runs them', async () => {
  const gate = new Gate()
  const nice_tasks = niceTasks(() => gate.pass())
  const { jobs, database } = await setup({ nice_tasks })
  const file_path = await newFile()
  await jobs.insert(nice_tasks.foo, { file_path, number: 10 })
  await jobs.insert(nice_tasks.bar, { file_path, number: 5 })
  await jobs.runUntilEmpty(deadlineIn())
  await jobs.insertMany(Array.from({ length: 7 }, () => ({ task: nice_tasks.baz, args: { file_path } })))

  const first = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(3)
  const other = await setup({ nice_tasks }, { database })
  expect(await other.jobs.runUntilEmpty(deadlineIn())).toMatchObject({
    stopReason: 'capacity',
    completed: 0,
    remaining: 4,
  })
  gate.open()
  expect((await first).completed).toBe(7)
  expect(gate.most).toBe(3)
})

test('an option that letter does not have is refused at insert', async () => {
  const nice_tasks = niceTasks()
  const { jobs, sql } = await setup({ nice_tasks })
  await expect(
    sql(`call jobmaster.insert_job('nice_tasks', 'bar', 1, '{"file_path": "x", "number": 1, "letter": "D"}'::json)`),
  ).rejects.toThrow(/^nice_tasks\.bar: "letter" must be one of .*A.*B.*C.*, got .*D/)
  expect((await jobs.list()).jobs).toEqual([])
})

async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jobmaster-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'file.txt')
}
