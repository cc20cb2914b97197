import { createJobMaster, type JobMaster } from 'jobmaster'
import { createApp, signatureHeaders, withInvocation } from 'jobmaster/http'
import { beforeAll, describe, expect, test } from 'vitest'
import { setup } from '../support/jobs.ts'
import { cronSecret, secret, serve, signingSecret } from './app.ts'
import * as cool from './tasks.ts'

const protectedRoutes = [
  ['GET', '/jobs'],
  ['POST', '/jobs'],
  ['POST', '/jobs/batch'],
  ['GET', '/jobs/1'],
  ['GET', '/jobs/1/explain'],
  ['POST', '/jobs/1/retry'],
  ['POST', '/jobs/1/cancel'],
  ['GET', '/groups/1'],
  ['GET', '/tasks'],
  ['GET', '/graph'],
  ['GET', '/status'],
  ['GET', '/metrics'],
  ['GET', '/openapi.json'],
  ['GET', '/drain'],
  ['POST', '/drain'],
] as const

const wrong: [what: string, authorization: string | undefined][] = [
  ['none', undefined],
  ['an empty one', 'Bearer '],
  ['a wrong one', 'Bearer wrong'],
  ['one of the right length', `Bearer ${'x'.repeat(secret.length)}`],
  ['a part of the right one', `Bearer ${secret.slice(0, -1)}`],
  ['the right one and more', `Bearer ${secret}${cronSecret}`],
  ['one of 100,000 characters', `Bearer ${'x'.repeat(100_000)}`],
  ['one that is not ASCII', 'Bearer gehe\u00EFm\u00FF'],
  ['another scheme', `Basic ${btoa(`user:${secret}`)}`],
]

type Setup = Awaited<ReturnType<typeof setup<{ cool: typeof cool }>>>
let made: Setup

beforeAll(async () => {
  made = await setup({ cool })
  await made.jobs.insert(cool.bad, {})
})

async function state() {
  return made.sql`select id, status, attempt, cancel_requested_at from jobmaster.jobs order by id`
}

describe.each(protectedRoutes)('%s %s', (method, path) => {
  test.each(wrong)('stays closed to who has the wrong secret: %s', async (_, authorization) => {
    const { send } = serve(made.jobs)
    const before = await state()
    made.statements.reset()
    const response = await send(
      new Request(`https://jobs.example${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
        ...(method === 'POST' && { body: JSON.stringify({ task: 'cool.bad', args: {} }) }),
      }),
    )
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      detail: 'send the secret of this route as "Authorization: Bearer …"',
    })
    expect(made.statements.count).toBe(0)
    expect(await state()).toEqual(before)
  })

  test('is closed as long as its secret is not set, and says which variable that is', async () => {
    const variable = path === '/drain' ? 'CRON_SECRET' : 'JOBMASTER_SECRET'
    const others = { CRON_SECRET: cronSecret, JOBMASTER_SECRET: secret, [variable]: '' }
    for (const env of [{}, others]) {
      const { ask } = serve(made.jobs, {}, { env })
      const response = await ask(method, path)
      expect(response.status).toBe(503)
      expect(await response.text()).toContain(variable)
    }
  })
})

test('the secret of the drain opens no other route, and theirs does not open the drain', async () => {
  const { ask } = serve(made.jobs)
  expect((await ask('GET', '/status', undefined, { authorization: `Bearer ${cronSecret}` })).status).toBe(401)
  expect((await ask('GET', '/drain', undefined, { authorization: `Bearer ${secret}` })).status).toBe(401)
  expect((await ask('GET', '/status')).status).toBe(200)
})

test('a secret that no header could carry keeps its route closed', async () => {
  const { ask } = serve(made.jobs, {}, { env: { JOBMASTER_SECRET: 'gehe\u00EFm' } })
  const response = await ask('GET', '/status', undefined, { authorization: 'Bearer gehe\u00EFm' })
  expect(response.status).toBe(503)
  expect(await response.text()).toContain('JOBMASTER_SECRET must be printable ASCII')
})

test('/health needs no secret, says nothing, and asks the database nothing', async () => {
  const { app } = serve(made.jobs)
  made.statements.reset()
  const response = await app.request('/health')
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({ status: 'ok' })
  expect(made.statements.count).toBe(0)
})

test("auth: 'none' is refused unless the adapter says that the request came over the loopback interface", async () => {
  const elsewhere = serve(made.jobs, { auth: 'none' })
  const response = await elsewhere.ask('GET', '/status', undefined, { authorization: '' })
  expect(response.status).toBe(503)
  expect(await response.text()).toContain('loopback')
  const here = serve(made.jobs, { auth: 'none' }, { loopback: true, env: {} })
  expect((await here.ask('GET', '/status', undefined, { authorization: '' })).status).toBe(200)
})

test("the application's own middleware decides for every route but /health", async () => {
  const { ask } = serve(made.jobs, {
    auth: async (c, next) => (c.req.header('x-user') === 'ann' ? next() : c.text('who are you?', 403)),
  })
  expect((await ask('GET', '/status')).status).toBe(403)
  expect((await ask('GET', '/drain')).status).toBe(403)
  expect((await ask('GET', '/status', undefined, { 'x-user': 'ann' })).status).toBe(200)
  expect((await ask('GET', '/health')).status).toBe(200)
})

describe('a signed request to the drain', () => {
  async function signed(body = '{"budget": 5}', headers: Record<string, string> = {}, key = signingSecret) {
    return new Request('https://jobs.example/drain', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(await signatureHeaders(key, body)), ...headers },
      body,
    })
  }

  test('opens it once: a replay is refused and changes nothing', async () => {
    const { jobs, sql } = await setup({ cool })
    const { send } = serve(jobs)
    const request = await signed()
    const again = request.clone()
    const changed = request.clone()
    changed.headers.set('webhook-signature', `v1,AAAA ${request.headers.get('webhook-signature')}`)
    expect((await send(request)).status).toBe(200)
    const job = await jobs.insert(cool.foo, { b: 1 })
    expect((await send(again)).status).toBe(401)
    expect((await send(changed)).status).toBe(401)
    expect(await sql`select status, attempt from jobmaster.jobs where id = ${job.id}`).toEqual([
      { status: 'waiting', attempt: 0 },
    ])
  })

  test('of many sent at once with one signature, one passes', async () => {
    const { send } = serve(made.jobs)
    const request = await signed()
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(request.clone())))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401, 401, 401])
  })

  test('is refused when it was signed with another key, or anything signed is different', async () => {
    const { send } = serve(made.jobs)
    made.statements.reset()
    const other = await signed('{"budget": 5}', {}, 'another-key')
    const body = new Request(await signed(), { method: 'POST', body: '{"budget": 6}' })
    const id = await signed('{"budget": 5}', { 'webhook-id': 'another' })
    const time = await signed('{"budget": 5}', { 'webhook-timestamp': String(Math.floor(Date.now() / 1_000) + 1) })
    const noTime = await signed('{"budget": 5}', { 'webhook-timestamp': 'now' })
    const garbage = await signed('{"budget": 5}', { 'webhook-signature': 'v1,\u00FF\u00FE' })
    for (const request of [other, body, id, time, noTime, garbage]) expect((await send(request)).status).toBe(401)
    expect(made.statements.count).toBe(0)
  })

  test('passes for five minutes after the time that it carries, and its signature is kept as long', async () => {
    const { jobs, sql, clock } = await setup({ cool })
    const { send } = serve(jobs)
    const [late, early, first] = [await signed(), await signed(), await signed()]
    expect((await send(first)).status).toBe(200)
    await clock.advance({ minutes: 4 })
    expect((await send(early)).status).toBe(200)
    expect(await sql`select count(*) as kept from jobmaster.signatures`).toEqual([{ kept: 2 }])
    await clock.advance({ minutes: 2 })
    expect((await send(late)).status).toBe(401)
    await sql`select jobmaster.record_signature('another', jobmaster.clock())`
    expect(await sql`select signature from jobmaster.signatures`).toEqual([{ signature: 'another' }])
  })

  test('is for the body: a query that somebody adds to it is not read, by GET or by POST', async () => {
    const { jobs } = await setup({ cool })
    await jobs.insert(cool.foo, { b: 1 })
    const { send, afterwards } = serve(jobs)
    const got = new Request('https://jobs.example/drain?background&concurrency=1', {
      headers: await signatureHeaders(signingSecret, ''),
    })
    const answer = await send(got)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ completed: 1 })
    const posted = new Request('https://jobs.example/drain?background', await signed())
    expect((await send(posted)).status).toBe(200)
    await afterwards()
  })

  test('opens no other route', async () => {
    const { send } = serve(made.jobs)
    const request = new Request('https://jobs.example/status', { headers: await signatureHeaders(signingSecret, '') })
    expect((await send(request)).status).toBe(401)
  })

  test('is checked beside the middleware of the application', async () => {
    const { send } = serve(made.jobs, { auth: async (c) => c.text('no', 403) })
    expect((await send(await signed())).status).toBe(200)
  })

  test('is none where no key is set', async () => {
    const { send } = serve(made.jobs, {}, { env: { CRON_SECRET: cronSecret } })
    expect((await send(await signed())).status).toBe(401)
  })
})

describe('what goes wrong inside is not told', () => {
  test('who may start drains is told what a handler threw, and not where', async () => {
    const { jobs } = await setup({ cool })
    const { ask } = serve(jobs)
    const { id } = await jobs.insert(cool.bad, {})
    await jobs.insert(cool.bad, {})
    const whole = await (await ask('GET', '/drain')).text()
    expect(whole).toContain('it does not work')
    await jobs.insert(cool.bad, {})
    const streamed = await (await ask('GET', '/drain?stream')).text()
    expect(streamed).toContain('it does not work')
    for (const text of [whole, streamed]) expect(text).not.toMatch(/stack|tasks\.ts/)
    // It is kept with the job, for who may read jobs.
    expect(await (await ask('GET', `/jobs/${id}`)).text()).toContain('tasks.ts')
  })

  const withoutDatabase = (message: string, code?: string): JobMaster =>
    createJobMaster({
      db: { execute: () => Promise.reject(Object.assign(new Error(message), code ? { code } : {})) },
      tasks: { cool },
    })

  test('a database out of reach is 503, without its host', async () => {
    const { ask, errors } = serve(withoutDatabase('connect ECONNREFUSED 10.1.2.3:5432', 'ECONNREFUSED'))
    const response = await ask('GET', '/status')
    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain('10.1.2.3')
    expect(String(errors[0])).toContain('10.1.2.3')
  })

  test('an error of the database is 500, without its text', async () => {
    const { ask, errors } = serve(withoutDatabase('permission denied for table jobs', '42501'))
    const response = await ask('POST', '/jobs', { task: 'cool.bad' })
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('permission')
    expect(String(errors[0])).toContain('permission denied')
  })

  test('an instance that cannot be made is 500, without the reason', async () => {
    const errors: unknown[] = []
    const app = createApp(
      () => {
        throw new Error('DATABASE_URL=postgres://user:password@host')
      },
      { onError: (error) => errors.push(error), auth: (_, next) => next() },
    )
    const request = new Request('https://jobs.example/status')
    const response = await app.fetch(
      withInvocation(request, { env: {}, deadline: new Date(Date.now() + 1_000), waitUntil: () => {} }),
    )
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('password')
    expect(errors).toHaveLength(1)
  })
})
