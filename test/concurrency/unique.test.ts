import { sql as query } from 'drizzle-orm'
import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'
import { sqlAt } from '../support/sql.ts'

const sync = task({ params: { n: v.number() }, run: ({ n }) => n })
const cool = { sync }

async function connections(url: string, count: number) {
  const opened = await Promise.all(Array.from({ length: count }, () => sqlAt(url)))
  onTestFinished(async () => {
    await Promise.all(opened.map((one) => one.close()))
  })
  return opened.map((one) => one.sql)
}

const batch = (keys: readonly string[], more: object) =>
  JSON.stringify(keys.map((unique_key, n) => ({ task: 'cool.sync', args: { n }, unique_key, ...more })))

test.each([
  ['while it waits', { unique: 'waiting' }],
  ['while it is active', { unique: 'active' }],
  ['within a time', { unique: { withinSeconds: 600 } }],
  ['and debounced', { debounce_seconds: 60 }],
])('of jobs inserted at once over 12 connections, a key has one job, unique %s', async (_, rule) => {
  const { jobs, url } = await setup({ cool })
  const sessions = await connections(url, 12)
  const keys = Array.from({ length: 20 }, (_, key) => `key ${key}`)
  const answers = await Promise.all(
    sessions.map(async (sql, index) => {
      const ids: [string, number, boolean][] = []
      // Each in an order of its own.
      const order = index % 2 ? keys : keys.toReversed()
      for (let round = 0; round < 3; round += 1) {
        const [row] = await sql`select jobmaster.insert_jobs(${batch(order, rule)}::jsonb) as answer`
        for (const [position, key] of order.entries()) {
          ids.push([key, row!.answer.ids[position], row!.answer.jobs[position]?.existing === true])
        }
      }
      return ids
    }),
  )
  const { jobs: found } = await jobs.list({ limit: 1_000 })
  expect(found).toHaveLength(keys.length)
  const told = answers.flat()
  for (const key of keys) {
    const of = told.filter(([name]) => name === key)
    expect(new Set(of.map(([, id]) => id)).size).toBe(1)
    expect(of.filter(([, , existing]) => !existing)).toHaveLength(1)
  }
})

test('where transactions that hold a key fail and commit by chance, the others have one job between them', async () => {
  const { jobs, url } = await setup({ cool })
  const sessions = await connections(url, 8)
  let committed = 0
  await Promise.all(
    sessions.map(async (sql, index) => {
      for (let round = 0; round < 10; round += 1) {
        const commits = (index + round) % 3 === 0
        await sql`begin`
        await sql`select jobmaster.insert_jobs(${batch([`round ${round}`], { unique: { withinSeconds: 600 } })}::jsonb)`
        await sql(commits ? 'commit' : 'rollback')
        if (commits) committed += 1
      }
    }),
  )
  expect(committed).toBeGreaterThan(10)
  expect((await jobs.list({ limit: 1_000 })).jobs).toHaveLength(10)
})

test('jobs unique while they wait, inserted while drains run, are each followed by one that started later', async () => {
  let value = 0
  const seen: number[] = []
  const copy = task({
    params: {},
    unique: 'waiting',
    async run() {
      seen.push(value)
      await new Promise((resolve) => setTimeout(resolve, 1))
    },
  })
  const { jobs } = await setup({ cool: { copy } })
  const over = new AbortController()
  const drains = Array.from({ length: 3 }, async () => {
    while (!over.signal.aborted) await jobs.runUntilEmpty(deadlineIn())
  })
  for (let change = 1; change <= 60; change += 1) {
    value = change
    await jobs.insert(copy, {})
  }
  over.abort()
  await Promise.all(drains)
  await jobs.runUntilEmpty(deadlineIn())
  // What was written before an insert was answered is seen by a job that starts after it.
  expect(Math.max(...seen)).toBe(60)
  expect((await jobs.status()).jobs.waiting).toBe(0)
})

test('a job that a transaction was answered as waiting starts only once that has committed', async () => {
  const { jobs, db } = await setup({ cool })
  const { id } = await jobs.insert(sync, { n: 1 }, { unique: 'waiting' })
  await db.transaction(async (tx) => {
    expect(await jobs.insert(sync, { n: 1 }, { unique: 'waiting', tx })).toMatchObject({ id, existing: true })
    expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 0 })
    await tx.execute(query`select 1`)
  })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
})
