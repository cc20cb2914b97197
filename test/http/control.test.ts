import { schedule } from 'jobmaster'
import { expect, test } from 'vitest'
import { setup } from '../support/jobs.ts'
import { serve } from './app.ts'
import * as cool from './tasks.ts'

async function served() {
  const { jobs } = await setup({ cool })
  const { ask } = serve(jobs)
  const post = async (path: string, body?: unknown) => {
    const response = await ask('POST', path, body)
    return { status: response.status, body: await response.json() }
  }
  return { jobs, post }
}

test('jobs are cancelled, retried and deleted over HTTP, by id and by filter', async () => {
  const { jobs, post } = await served()
  const { id } = await jobs.insert(cool.bad, {})
  await jobs.insert(cool.bad, {})
  expect(await post('/jobs/cancel', { task: 'cool.bad', limit: 1 })).toEqual({
    status: 200,
    body: { jobs: 1, more: true },
  })
  expect(await post(`/jobs/${id}/retry`)).toMatchObject({ status: 200, body: { id, status: 'waiting' } })
  await post('/drain')
  expect(await post('/jobs/retry', { task: 'cool.bad' })).toEqual({ status: 200, body: { jobs: 2, more: false } })
  expect(await post(`/jobs/${id}/delete`)).toEqual({ status: 200, body: { jobs: 1, more: false } })
  expect(await post('/jobs/delete', { status: 'waiting' })).toEqual({ status: 200, body: { jobs: 1, more: false } })
})

test("a job's priority and time are changed over HTTP", async () => {
  const { jobs, post } = await served()
  const { id } = await jobs.insert(cool.foo, { b: 1 })
  const body = { priority: 9, runAt: '2100-01-01T00:00:00Z' }
  expect(await post(`/jobs/${id}/change`, body)).toMatchObject({
    status: 200,
    body: { id, priority: 9, runAt: '2100-01-01T00:00:00.000Z', status: 'scheduled' },
  })
})

test('tasks and systems are paused and resumed over HTTP', async () => {
  const { jobs, post } = await served()
  await post('/drain')
  expect(await post('/tasks/cool.foo/pause')).toEqual({
    status: 200,
    body: { task: 'cool.foo', pausedAt: expect.any(String) },
  })
  expect(await post('/systems/default/pause')).toEqual({
    status: 200,
    body: { system: 'default', pausedAt: expect.any(String) },
  })
  await jobs.insert(cool.foo, { b: 1 })
  expect(await post('/drain')).toMatchObject({ body: { completed: 0, stopReason: 'paused' } })
  expect(await post('/systems/default/resume')).toEqual({ status: 200, body: { system: 'default', pausedAt: null } })
  expect(await post('/tasks/cool.foo/resume')).toEqual({ status: 200, body: { task: 'cool.foo', pausedAt: null } })
  expect(await post('/drain')).toMatchObject({ body: { completed: 1 } })
})

test('a unique job is inserted once over HTTP, and the answer says which it was', async () => {
  const { post } = await served()
  const body = { task: 'cool.foo', args: { b: 1 }, unique: 'waiting', uniqueKey: 'a' }
  const first = await post('/jobs', body)
  expect(first.status).toBe(201)
  expect(await post('/jobs', body)).toEqual({ status: 200, body: { ...first.body, existing: true } })
  expect(await post('/jobs/batch', { jobs: [body] })).toMatchObject({
    status: 201,
    body: { jobs: [{ existing: true }] },
  })
  const put = { task: 'cool.foo', args: { b: 2 }, uniqueKey: 'b', debounceSeconds: 60 }
  expect(await post('/jobs', put)).toMatchObject({ status: 201, body: { status: 'scheduled' } })
  expect(await post('/jobs', { ...put, unique: 'active' })).toMatchObject({
    status: 422,
    body: { code: 'JM008', errors: [{ in: 'body', field: 'debounceSeconds' }] },
  })
  expect(await post('/jobs', { ...body, unique: 'ever' })).toMatchObject({
    status: 422,
    body: { errors: [{ field: 'unique', detail: 'must be "waiting", "active" or {"withinSeconds": …}' }] },
  })
})

test('schedules are listed, paused and resumed over HTTP', async () => {
  const nightly = schedule(cool.foo, { b: 1 }, { cron: '0 3 * * *', timezone: 'Europe/Berlin' })
  const { jobs } = await setup({ cool: { ...cool, nightly } })
  const { ask } = serve(jobs)
  const body = async (method: string, path: string) => (await ask(method, path)).json()
  const listed = { schedule: 'cool.nightly', task: 'cool.foo', cron: '0 3 * * *', catchUp: 'last', pausedAt: null }
  expect(await body('GET', '/schedules')).toMatchObject({
    schedules: [{ ...listed, lastTickAt: null, lastJobId: null, nextTickAt: expect.stringMatching(/T0[12]:00:00/) }],
  })
  expect(await body('POST', '/schedules/cool.nightly/pause')).toEqual({
    schedule: 'cool.nightly',
    pausedAt: expect.any(String),
  })
  expect(await body('GET', '/schedules')).toMatchObject({ schedules: [{ nextTickAt: null }] })
  expect(await body('POST', '/schedules/cool.nightly/resume')).toEqual({ schedule: 'cool.nightly', pausedAt: null })
  const refused = await ask('POST', '/schedules/cool.never/pause')
  expect(refused.status).toBe(404)
  expect(await refused.json()).toMatchObject({
    code: 'JM017',
    detail: 'unknown schedule cool.never (known: cool.nightly)',
  })
})

test.each([
  ['/jobs/cancel', {}, 422, /name a status, a task, or both/],
  ['/jobs/cancel', { status: 'lost' }, 422, /status: must be one of/],
  ['/jobs/delete', { task: 'cool.foo', limit: 0 }, 422, /limit: must be at least 1/],
  ['/jobs/retry', { task: 'cool.nope' }, 422, /unknown task cool.nope/],
  ['/jobs/retry', { taks: 'cool.foo' }, 422, /taks/],
  ['/jobs/404/change', { priority: 1 }, 404, /there is no job #404/],
  ['/jobs/404/change', {}, 422, /give job #404 a priority, a runAt, or both/],
  ['/jobs/404/change', { priority: 'high' }, 422, /priority/],
  ['/jobs/404/delete', undefined, 404, /there is no job #404/],
  ['/tasks/cool.nope/pause', undefined, 404, /unknown task cool.nope/],
  ['/systems/mars/resume', undefined, 404, /unknown system mars/],
])('POST %s of %j is refused with %d', async (path, body, status, detail) => {
  const { post } = await served()
  expect(await post(path, body)).toMatchObject({ status, body: { detail: expect.stringMatching(detail) } })
})
