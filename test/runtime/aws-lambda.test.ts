import { awsLambda } from 'jobmaster/aws-lambda'
import { expect, test } from 'vitest'
import { openWork, work } from './application.ts'
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
