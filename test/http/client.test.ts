import { Hono } from 'hono'
import { hc, type InferResponseType } from 'hono/client'
import { type App, createApp, withInvocation } from 'jobmaster/http'
import { expect, expectTypeOf, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'
import { cronSecret, secret } from './app.ts'
import * as cool from './tasks.ts'

const env = { JOBMASTER_SECRET: secret, CRON_SECRET: cronSecret }
const opens = (value: string) => ({ headers: { authorization: `Bearer ${value}` } })

/** `fetch` that is answered here. */
function over(app: { fetch(request: Request): Response | Promise<Response> }) {
  return async (input: RequestInfo | URL, init?: RequestInit) =>
    app.fetch(withInvocation(new Request(input, init), { env, deadline: deadlineIn(), waitUntil: () => {} }))
}

test("Hono's client knows the routes, what they take and what they answer", async () => {
  const { jobs } = await setup({ cool })
  const client = hc<App>('https://jobs.example', { fetch: over(createApp(jobs)) })

  const inserted = await client.jobs.$post({ json: { task: 'cool.foo', args: { b: 1 }, priority: 3 } }, opens(secret))
  const { id, status } = await inserted.json()
  expectTypeOf(id).toEqualTypeOf<number>()
  expect(status).toBe('waiting')

  const drained = await client.drain.$get({ query: { concurrency: '1' } }, opens(cronSecret))
  const report = await drained.json()
  if (!('completed' in report)) expect.unreachable('it was not asked to drain in the background')
  expectTypeOf(report.completed).toEqualTypeOf<number>()
  expect(report).toMatchObject({ completed: 1, stopReason: 'empty' })

  const got = await client.jobs[':id'].$get({ param: { id: String(id) } }, opens(secret))
  expect(await got.json()).toMatchObject({ id, result: { sum: 2 } })
  const listed = await client.jobs.$get({ query: { status: 'completed', limit: '5' } }, opens(secret))
  expect((await listed.json()).jobs.map((job) => job.task)).toEqual(['cool.foo'])
  expect((await (await client.status.$get({}, opens(secret))).json()).jobs.completed).toBe(1)
  expect(await (await client.health.$get()).json()).toEqual({ status: 'ok' })

  // Times are texts in JSON, and its types say so.
  type Got = InferResponseType<(typeof client.jobs)[':id']['$get'], 200>
  expectTypeOf<Got['createdAt']>().toEqualTypeOf<string>()
  expectTypeOf<Got['task']>().toEqualTypeOf<string>()
  // @ts-expect-error a job has a task
  void (() => client.jobs.$post({ json: { args: {} } }))
  // @ts-expect-error there is no such status
  void (() => client.jobs.$get({ query: { status: 'lost' } }))
  // @ts-expect-error there is no such route
  void (() => client.nowhere.$get())
})

test('mounted in another app it keeps its types', async () => {
  const { jobs } = await setup({ cool })
  const app = new Hono().get('/', (c) => c.text('hello')).route('/queue', createApp(jobs))
  const client = hc<typeof app>('https://app.example', { fetch: over(app) })
  const response = await client.queue.jobs.batch.$post(
    { json: { jobs: [{ task: 'cool.foo', args: { b: 'ALL' } }, { task: 'cool.bad' }] } },
    opens(secret),
  )
  const { jobs: inserted } = await response.json()
  expect(inserted.map(({ task }) => task)).toEqual(['cool.foo', 'cool.bad'])
  expect(await (await client.index.$get()).text()).toBe('hello')
})
