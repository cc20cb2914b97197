import { NonRetriable, task } from 'jobmaster'
import pino from 'pino'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from './support/deadline.ts'
import { setup } from './support/jobs.ts'

const foo = task({
  params: { secret: v.string() },
  async run({ secret }, ctx) {
    if (secret === 'broken') throw new NonRetriable('no such file')
    if (secret === 'flaky' && ctx.job.attempt === 1) throw new Error('not yet')
  },
})

function written() {
  const lines: { level: string; fields: object; message: string }[] = []
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message })
  }
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } }
}

test('a logger is told of each job and of the drain, with fields and a sentence', async () => {
  const { lines, logger } = written()
  const { jobs } = await setup({ cool: { foo } }, { logger })
  await jobs.insertMany([
    { task: foo, args: { secret: 'fine' } },
    { task: foo, args: { secret: 'broken' } },
    { task: foo, args: { secret: 'flaky' } },
  ])
  await jobs.runUntilEmpty(deadlineIn())
  expect(lines.toSorted((left, right) => (left.message < right.message ? -1 : 1))).toMatchObject([
    { level: 'debug', message: 'cool.foo #1 completed', fields: { id: 1, task: 'cool.foo', attempt: 1 } },
    { level: 'error', message: 'cool.foo #2 failed: no such file', fields: { error: { name: 'NonRetriable' } } },
    { level: 'warn', message: 'cool.foo #3 is tried again: not yet' },
    { level: 'info', message: 'drained default: empty, 1 completed', fields: { failed: 1, retried: 1 } },
  ])
})

test('pino takes the fields and the sentence as its own', async () => {
  const lines: string[] = []
  const logger = pino({ level: 'debug' }, { write: (line) => void lines.push(line) })
  const { jobs } = await setup({ cool: { foo } }, { logger })
  await jobs.insert(foo, { secret: 'broken' })
  await jobs.runUntilEmpty(deadlineIn())
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 50, msg: 'cool.foo #1 failed: no such file', id: 1, task: 'cool.foo', error: { name: 'NonRetriable' } },
    { level: 30, msg: 'drained default: empty, 0 completed', failed: 1 },
  ])
})

test('arguments are not logged', async () => {
  const { lines, logger } = written()
  const { jobs } = await setup({ cool: { foo } }, { logger })
  await jobs.insert(foo, { secret: 'hush-hush' })
  await jobs.runUntilEmpty(deadlineIn())
  expect(JSON.stringify(lines)).not.toContain('hush-hush')
})

test('a drain that the database refuses is logged as an error, and thrown', async () => {
  const { lines, logger } = written()
  const { jobs } = await setup({ cool: { foo } }, { logger, deploy: false })
  await expect(jobs.runUntilEmpty(deadlineIn())).rejects.toThrow('not deployed')
  expect(lines).toMatchObject([
    { level: 'error', message: 'the drain of default failed', fields: { system: 'default' } },
  ])
})

test('console is a logger, and onJob is still called', async () => {
  const { jobs } = await setup({ cool: { foo } }, { logger: { ...console, debug() {}, info() {} } })
  await jobs.insert(foo, { secret: 'x' })
  const seen: number[] = []
  await jobs.runUntilEmpty(deadlineIn(), { onJob: ({ id }) => seen.push(id) })
  expect(seen).toEqual([1])
})
