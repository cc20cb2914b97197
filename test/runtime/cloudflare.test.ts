import { cloudflare, wakeUpBy } from 'jobmaster/cloudflare'
import { expect, test } from 'vitest'
import { openWork, work } from './application.ts'
import { platform } from './reference.ts'

const noContext = { waitUntil: () => {} }

/** A producer's binding to a queue, which keeps what it is sent. */
function queue() {
  const sent: { message: unknown; delaySeconds?: number }[] = []
  return {
    sent,
    send: async (message: unknown, options: { delaySeconds?: number } = {}) => {
      sent.push({ message, ...options })
    },
  }
}

function numbers(count: number) {
  return Array.from({ length: count }, (_, number) => ({ task: work.note, args: { number } }))
}

test('after a drain a wake-up is sent to the queue, for when there is something to do', async () => {
  const { jobs, env } = await platform()
  const WAKE_UPS = queue()
  const worker = cloudflare(openWork, { wakeAt: wakeUpBy('WAKE_UPS') })
  await worker.scheduled({}, { ...env, WAKE_UPS }, noContext)
  expect(WAKE_UPS.sent).toEqual([])

  await jobs.insert(work.note, { number: 1 }, { runAt: new Date(Date.now() + 600_000) })
  await worker.scheduled({}, { ...env, WAKE_UPS }, noContext)
  expect(WAKE_UPS.sent).toEqual([{ message: {}, delaySeconds: expect.any(Number) }])
  expect(WAKE_UPS.sent[0]?.delaySeconds).toBeGreaterThan(595)
  expect(WAKE_UPS.sent[0]?.delaySeconds).toBeLessThanOrEqual(601)
})

test('a wake-up that is further away than a queue can wait comes as late as it can', async () => {
  const { jobs, env } = await platform()
  const WAKE_UPS = queue()
  await jobs.insert(work.note, { number: 1 }, { runAt: new Date(Date.now() + 7 * 86_400_000) })
  await cloudflare(openWork, { wakeAt: wakeUpBy('WAKE_UPS') }).scheduled({}, { ...env, WAKE_UPS }, noContext)
  expect(WAKE_UPS.sent).toMatchObject([{ delaySeconds: 86_400 }])
})

test('a queue that is not bound is said by its name, and the drain has its report all the same', async () => {
  const { jobs, env } = await platform()
  const errors: unknown[] = []
  const onError = (error: unknown) => errors.push(error)
  await jobs.insertMany(numbers(1))
  await jobs.insert(work.note, { number: 2 }, { runAt: new Date(Date.now() + 60_000) })
  await cloudflare(openWork, { wakeAt: wakeUpBy('WAKE_UPS'), onError }).scheduled({}, env, noContext)
  expect(String(errors)).toContain('there is no queue bound as WAKE_UPS: add it to "queues.producers"')
  expect((await jobs.status()).jobs.completed).toBe(1)
})

test('drains go on by the messages of a queue, and each says how many were before it', async () => {
  const { jobs, env } = await platform()
  const WAKE_UPS = queue()
  const worker = cloudflare(openWork, {
    subrequests: 20,
    subrequestsPerJob: 1,
    continueWith: { send: (wakeUp) => WAKE_UPS.send(wakeUp), atOnce: 1 },
    wakeAt: wakeUpBy('WAKE_UPS'),
  })
  await jobs.insertMany(numbers(30))
  await worker.scheduled({}, { ...env, WAKE_UPS }, noContext)
  let deliveries = 0
  while (WAKE_UPS.sent.length > 0) {
    deliveries += 1
    const messages = WAKE_UPS.sent.splice(0).map(({ message }) => ({ body: message }))
    // It goes on by itself, so that it arms no wake-up besides.
    expect(messages).toEqual([{ body: { depth: deliveries, share: 1 } }])
    await worker.queue({ messages }, { ...env, WAKE_UPS }, noContext)
  }
  expect(deliveries).toBeGreaterThan(0)
  expect((await jobs.status()).jobs).toMatchObject({ completed: 30, waiting: 0 })
})
