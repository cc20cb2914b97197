import { task } from 'jobmaster'
import { createApp, type HttpOptions, withInvocation } from 'jobmaster/http'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'
import { serve, signingSecret } from './app.ts'

const note = task({ params: { number: v.number() }, run: () => {} })
const cool = { note }
const numbers = (count: number) => Array.from({ length: count }, (_, number) => ({ task: note, args: { number } }))

interface WakeUp {
  depth: number
  share: number
}

/** A drain of 8 jobs at the most, and what it sends to go on. */
function stopping(options: Partial<NonNullable<HttpOptions['continueWith']>> = {}) {
  const sent: WakeUp[] = []
  const continueWith = { ...options, send: async (wakeUp: WakeUp) => void sent.push(wakeUp) }
  return { sent, options: { drain: { statementBudget: 2, concurrency: 4 }, continueWith } }
}

test('a backlog is gone on with by several drains at once, each with its part of how many there may be', async () => {
  const { jobs } = await setup({ cool })
  await jobs.insertMany(numbers(200))
  const { sent, options } = stopping({ atOnce: 7 })
  const { ask } = serve(jobs, options)
  expect(await (await ask('POST', '/drain')).json()).toMatchObject({ stopReason: 'budget' })
  expect(sent).toHaveLength(7)
  expect(sent.every(({ depth, share }) => depth === 1 && share === 1)).toBe(true)

  const fewer = stopping({ atOnce: 7 })
  await serve(jobs, fewer.options).ask('POST', '/drain', { depth: 3, share: 3 })
  expect(fewer.sent).toEqual(Array.from({ length: 3 }, () => ({ depth: 4, share: 1 })))
})

test('no more drains start than what is left asks for, and they may start the rest later', async () => {
  const { jobs } = await setup({ cool })
  const { sent, options } = stopping({ atOnce: 8 })
  const { ask } = serve(jobs, options)
  await jobs.insertMany(numbers(24))
  const { completed, remaining } = await (await ask('POST', '/drain')).json()
  expect(sent).toHaveLength(Math.ceil(remaining / Math.max(4, completed)))
  expect(sent.length).toBeGreaterThan(0)
  expect(sent.length).toBeLessThan(8)
  expect(sent.reduce((sum, { share }) => sum + share, 0)).toBe(8)
})

test('no more drains start than there are process units for', async () => {
  const heavy = task({ params: {}, processUnits: 50, run: () => {} })
  const { jobs } = await setup({ cool: { heavy } }, { systemProcessUnits: 400 })
  await jobs.insertMany(Array.from({ length: 100 }, () => ({ task: heavy, args: {} })))
  const { sent, options } = stopping({ atOnce: 8 })
  await serve(jobs, options).ask('POST', '/drain')
  // Eight of them at once, and four in a drain.
  expect(sent).toHaveLength(2)
})

test('a drain that emptied the queue, or is too deep, starts no other', async () => {
  const { jobs } = await setup({ cool })
  const { sent, options } = stopping({ maxDepth: 5 })
  const { ask } = serve(jobs, options)
  await ask('POST', '/drain')
  await jobs.insertMany(numbers(40))
  await ask('POST', '/drain', { depth: 5 })
  expect(sent).toEqual([])
  await ask('POST', '/drain', { depth: 4 })
  expect(sent).toMatchObject([{ depth: 5 }])
})

test('by signed requests to the configured address several drains empty the queue, and the address that was asked is none', async () => {
  const { jobs } = await setup({ cool })
  const asked: { url: string; body: object; authorization: string | null }[] = []
  const kept: Promise<unknown>[] = []
  const env = { CRON_SECRET: 'the-secret', JOBMASTER_SIGNING_SECRET: signingSecret }
  const invocation = () => ({
    env,
    deadline: deadlineIn(),
    waitUntil: (promise: Promise<unknown>) => void kept.push(promise),
  })
  const fetch = async (request: Request) => {
    const { url, headers } = request
    asked.push({ url, body: await request.clone().json(), authorization: headers.get('authorization') })
    return app.fetch(withInvocation(request, invocation()))
  }
  const app = createApp(jobs, {
    drain: { statementBudget: 3, concurrency: 4 },
    continueWith: { url: 'https://configured.example/drain', fetch, atOnce: 3 },
  })
  await jobs.insertMany(numbers(100))
  const headers = { authorization: 'Bearer the-secret', host: 'evil.example', 'x-forwarded-host': 'evil.example' }
  const response = await app.fetch(withInvocation(new Request('https://evil.example/drain', { headers }), invocation()))
  expect(await response.json()).toMatchObject({ stopReason: 'budget' })
  while (kept.length > 0) await kept.shift()

  expect((await jobs.status()).jobs).toMatchObject({ completed: 100, waiting: 0, running: 0 })
  expect(asked.length).toBeGreaterThan(3)
  expect(asked.filter(({ body }) => 'depth' in body && body.depth === 1)).toHaveLength(3)
  expect([...new Set(asked.map(({ url }) => url))]).toEqual(['https://configured.example/drain'])
  // A signature is all that it needs; it does not hand the secret of the drain on.
  expect(asked.every(({ authorization }) => authorization === null)).toBe(true)
})

test('without being configured no drain goes on', async () => {
  const { jobs } = await setup({ cool })
  await jobs.insertMany(numbers(40))
  const kept: Promise<unknown>[] = []
  const { ask } = serve(
    jobs,
    { drain: { statementBudget: 2, concurrency: 4 } },
    { waitUntil: (later) => kept.push(later) },
  )
  const { remaining } = await (await ask('POST', '/drain')).json()
  await Promise.all(kept)
  expect((await jobs.status()).jobs.waiting).toBe(remaining)
})
