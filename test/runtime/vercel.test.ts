import { vercel } from 'jobmaster/vercel'
import { expect, test, vi } from 'vitest'
import { openWork, secrets, work } from './application.ts'
import { platform } from './reference.ts'

/** As Vercel's cron sends it: https://vercel.com/docs/cron-jobs/manage-cron-jobs */
function cronRequest(secret = secrets.CRON_SECRET) {
  const headers = { authorization: `Bearer ${secret}`, 'user-agent': 'vercel-cron/1.0' }
  return new Request('https://my-jobs.vercel.app/jobs/drain', { headers })
}

test("Vercel's cron is a GET with CRON_SECRET, and drains", async () => {
  const { jobs } = await platform()
  await jobs.insert(work.note, { number: 1 })
  const { GET } = vercel(openWork, { basePath: '/jobs' })
  expect((await GET(cronRequest('another'))).status).toBe(401)
  expect(await (await GET(cronRequest())).json()).toMatchObject({ completed: 1, stopReason: 'empty' })
})

test('a cron that fires twice runs every job once', async () => {
  const { jobs } = await platform()
  await jobs.insertMany(Array.from({ length: 20 }, (_, number) => ({ task: work.note, args: { number } })))
  const { GET } = vercel(openWork, { basePath: '/jobs' })
  const reports = await Promise.all(
    [GET(cronRequest()), GET(cronRequest())].map(async (answer) => (await answer).json()),
  )
  expect(reports[0].completed + reports[1].completed).toBe(20)
})

test("what is to go on after the answer is kept by Vercel's own waitUntil", async () => {
  const { jobs } = await platform()
  const kept: Promise<unknown>[] = []
  const context = { get: () => ({ waitUntil: (promise: Promise<unknown>) => kept.push(promise) }) }
  vi.stubGlobal(Symbol.for('@vercel/request-context') as unknown as string, context)
  const { POST } = vercel(openWork, { basePath: '/jobs' })
  const headers = { authorization: `Bearer ${secrets.JOBMASTER_SECRET}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ task: 'work.note', args: { number: 1 }, drain: true })
  const url = 'https://my-jobs.vercel.app/jobs/jobs'
  expect((await POST(new Request(url, { method: 'POST', headers, body }))).status).toBe(201)
  vi.unstubAllGlobals()
  expect(kept.length).toBeGreaterThan(0)
  await Promise.all(kept)
  expect((await jobs.status()).jobs.completed).toBe(1)
})
