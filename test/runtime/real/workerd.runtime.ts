import type { Report } from 'jobmaster'
import { expect, test } from 'vitest'
import { secrets, work } from '../application.ts'
import { neonPlatform } from './start.ts'
import { type StartedWorker, startWorker } from './worker.ts'

const slow = { timeout: 60_000 }

function numbered(task: typeof work.note | typeof work.ask, count: number) {
  return Array.from({ length: count }, (_, number) => ({ task, args: { number } }))
}

/** Over HTTP, as a cron service would. */
async function drain({ url }: StartedWorker): Promise<Report> {
  const headers = { authorization: `Bearer ${secrets.CRON_SECRET}` }
  const response = await fetch(`${url}/jobmaster/drain`, { headers })
  expect(response.status).toBe(200)
  return (await response.json()) as Report
}

test.for(['http', 'websocket'])('over %s a request and a cron trigger drain 500 jobs each', slow, async (NEON) => {
  const made = await neonPlatform()
  const worker = await startWorker(made, { bindings: { NEON } })

  await made.jobs.insertMany(numbered(work.ask, 500))
  expect(await drain(worker)).toMatchObject({ stopReason: 'empty', completed: 500, remaining: 0 })

  await made.jobs.insertMany(numbered(work.ask, 500))
  await worker.cron()
  expect((await made.jobs.status()).jobs).toMatchObject({ completed: 1_000, waiting: 0, running: 0, failed: 0 })
})

test('with 50 subrequests a drain stops with budget, loses nothing, and the next goes on', slow, async () => {
  const made = await neonPlatform()
  let subrequests = 0
  let refused = 0
  const worker = await startWorker(made, {
    bindings: { SUBREQUESTS: '50' },
    async outbound(request) {
      subrequests += 1
      if (subrequests > 50) {
        refused += 1
        return new Response('too many subrequests', { status: 500 })
      }
      const { method, headers } = request
      return fetch(made.neon.fetchEndpoint, { method, headers: [...headers], body: await request.text() })
    },
  })
  await made.jobs.insertMany(numbered(work.ask, 100))

  let left = 100
  for (let drains = 1; left > 0; drains += 1) {
    expect(drains).toBeLessThanOrEqual(4)
    subrequests = 0
    const report = await drain(worker)
    left -= report.completed
    expect(report).toMatchObject({ stopReason: left > 0 ? 'budget' : 'empty', remaining: left, failed: 0, retried: 0 })
  }
  expect(refused).toBe(0)
  expect((await made.jobs.status()).jobs).toMatchObject({ completed: 100, failed: 0 })
})

test('an idle cron trigger is one statement, cold start included', slow, async () => {
  const made = await neonPlatform()
  const worker = await startWorker(made)
  made.statements.reset()
  await worker.cron()
  expect(made.statements.count).toBe(1)
})

test('a batch of wake-ups from a queue is one drain', slow, async () => {
  const made = await neonPlatform()
  const worker = await startWorker(made)
  await made.jobs.insertMany(numbered(work.note, 5))
  made.statements.reset()
  expect(await worker.deliver([{}, {}, 'another'])).toBe('delivered')
  expect((await made.jobs.status()).jobs).toMatchObject({ completed: 5 })
  expect(made.statements.count).toBe(2)
})

test('wake-ups come again where the database does not answer', slow, async () => {
  const made = await neonPlatform()
  const worker = await startWorker(made, { outbound: async () => new Response('down', { status: 500 }) })
  expect(await worker.deliver([{}])).toBe('again')
})

test('by a binding to itself a drain goes on in other invocations until the queue is empty', slow, async () => {
  const made = await neonPlatform()
  const bindings = { SUBREQUESTS: '50', GOES_ON: '1', JOBMASTER_SIGNING_SECRET: 'a-key-that-signs' }
  const worker = await startWorker(made, { bindings })
  await made.jobs.insertMany(numbered(work.ask, 150))
  expect(await drain(worker)).toMatchObject({ stopReason: 'budget' })
  await expect.poll(async () => (await made.jobs.status()).jobs, { timeout: 20_000 }).toMatchObject({ completed: 150 })
})

test('a drain whose handler never ends returns in time, and its job is free when its lease ends', slow, async () => {
  const made = await neonPlatform()
  const worker = await startWorker(made)
  const job = await made.jobs.insert(work.endless, {})
  const headers = { authorization: `Bearer ${secrets.CRON_SECRET}` }
  const startedAt = Date.now()
  const response = await fetch(`${worker.url}/jobmaster/drain?budget=0.5`, { headers })
  expect(await response.json()).toMatchObject({ stopReason: 'deadline', abandoned: 1 })
  expect(Date.now() - startedAt).toBeLessThan(5_000)

  await made.clock.advance({ seconds: 31 })
  await made.jobs.runUntilEmpty(new Date(Date.now() + 200), { settleMs: 100 })
  expect(await made.jobs.get(job.id)).toMatchObject({ attempt: 2 })
})
