import { netlify } from 'jobmaster/netlify'
import { expect, test } from 'vitest'
import { openWork, secrets, work } from './application.ts'
import { platform } from './reference.ts'

const base = 'https://my-jobs.netlify.app/.netlify/functions'

test('a scheduled invocation drains', async () => {
  const { jobs } = await platform()
  await jobs.insert(work.note, { number: 1 })
  // As Netlify sends it: https://docs.netlify.com/build/functions/scheduled-functions/
  const request = new Request(`${base}/drain`, {
    method: 'POST',
    body: JSON.stringify({ next_run: '2026-01-01T00:01:00.000Z' }),
  })
  expect(await (await netlify(openWork).scheduled(request)).json()).toMatchObject({ completed: 1 })
})

test('a background invocation drains for whoever has the secret of the drain', async () => {
  const { jobs } = await platform()
  await jobs.insert(work.note, { number: 1 })
  const { background } = netlify(openWork, { basePath: '/jobs' })
  const call = (secret: string) =>
    background(
      new Request(`${base}/drain-background`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        body: JSON.stringify({ budget: 60, concurrency: 2 }),
      }),
    )
  expect((await call('another')).status).toBe(401)
  expect((await jobs.status()).jobs.completed).toBe(0)
  expect(await (await call(secrets.CRON_SECRET)).json()).toMatchObject({ completed: 1, stopReason: 'empty' })
})
