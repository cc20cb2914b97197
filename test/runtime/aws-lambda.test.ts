import { awsLambda } from 'jobmaster/aws-lambda'
import { expect, test } from 'vitest'
import { openWork, secrets, work } from './application.ts'
import { functionUrl, responseOf, scheduledEvent, timeLeft } from './lambda-events.ts'
import { platform } from './reference.ts'

test('an event of an EventBridge schedule starts a drain', async () => {
  const { jobs } = await platform()
  await jobs.insertMany([1, 2, 3].map((number) => ({ task: work.note, args: { number } })))
  expect(await awsLambda(openWork)(scheduledEvent, timeLeft(60_000))).toMatchObject({
    completed: 3,
    stopReason: 'empty',
  })
})

test('a function URL answers like a gateway', async () => {
  await platform()
  const handler = awsLambda(openWork, { basePath: '/jobmaster' })
  const asked = { method: 'GET', path: '/jobmaster/health', headers: {} }
  const response = responseOf(await handler(functionUrl(asked), timeLeft(60_000)))
  expect(await response.json()).toEqual({ status: 'ok' })
})

test('what an insert started is done before the process is frozen', async () => {
  const { jobs } = await platform()
  const handler = awsLambda(openWork)
  const asked = {
    method: 'POST',
    path: '/jobs',
    headers: { authorization: `Bearer ${secrets.JOBMASTER_SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify({ task: 'work.note', args: { number: 1 }, drain: true }),
  }
  expect(responseOf(await handler(functionUrl(asked), timeLeft(60_000))).status).toBe(201)
  expect((await jobs.status()).jobs.completed).toBe(1)
})

test('a drain goes on by an async invoke of itself, whose event says how many were before it', async () => {
  const { jobs } = await platform()
  const invoked: unknown[] = []
  const handler = awsLambda(openWork, {
    drain: { statementBudget: 2 },
    continueWith: { send: async (wakeUp) => invoked.push(JSON.parse(JSON.stringify(wakeUp))), atOnce: 1 },
  })
  await jobs.insertMany(Array.from({ length: 25 }, (_, number) => ({ task: work.note, args: { number } })))
  await handler(scheduledEvent, timeLeft(60_000))
  expect(invoked).toEqual([{ depth: 1, share: 1 }])
  while (invoked.length > 0) await handler(invoked.shift(), timeLeft(60_000))
  expect((await jobs.status()).jobs).toMatchObject({ completed: 25, waiting: 0 })
})

test('a wake-up is armed for when a delayed job is due', async () => {
  const { jobs } = await platform()
  const runAt = new Date(Date.now() + 3_600_000)
  await jobs.insert(work.note, { number: 1 }, { runAt })
  const armed: Date[] = []
  await awsLambda(openWork, { wakeAt: (at) => void armed.push(at) })(scheduledEvent, timeLeft(60_000))
  expect(armed).toHaveLength(1)
  expect(Math.abs(armed[0]!.getTime() - runAt.getTime())).toBeLessThan(100)
})
