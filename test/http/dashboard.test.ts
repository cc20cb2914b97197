import { Hono } from 'hono'
import { dependsOn, RetryAfter, task } from 'jobmaster'
import { dashboard } from 'jobmaster/dashboard'
import type { HttpOptions, PlatformInvocation } from 'jobmaster/http'
import { beforeAll, expect, test } from 'vitest'
import { bundled } from '../../scripts/size.ts'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'
import { secret, serve } from './app.ts'
import * as cool from './tasks.ts'

let jobs: Awaited<ReturnType<typeof setup>>['jobs']

beforeAll(async () => {
  jobs = (await setup({ cool })).jobs
  await jobs.insert(cool.bar, { b: 2, c: 'x' })
})

const origin = 'https://jobs.example'

/** A browser at the dashboard: keeps its cookie, and says where its requests come from. */
function browse(options: HttpOptions = {}, known: Partial<PlatformInvocation> = {}) {
  const { send, errors } = serve(jobs, { dashboard, ...options }, known)
  let cookie = ''
  const ask = async (path: string, form?: Record<string, string>, headers: Record<string, string> = { origin }) => {
    const response = await send(
      new Request(`${origin}/dashboard${path}`, {
        method: form ? 'POST' : 'GET',
        headers: { ...(cookie && { cookie }), ...headers },
        ...(form && { body: new URLSearchParams(form) }),
      }),
    )
    const [set] = response.headers.getSetCookie()
    if (set) cookie = set.split(';')[0]!
    return response
  }
  const token = async (path: string) => /name="token" value="(\w+)"/.exec(await (await ask(path)).text())?.[1] ?? ''
  const signIn = (given = secret, to = '/jobs') => ask('/login', { secret: given, to })
  return {
    ask,
    token,
    signIn,
    errors,
    get cookie() {
      return cookie
    },
    set cookie(value) {
      cookie = value
    },
  }
}

test('who has not signed in is shown the form, and comes back to the page that was asked for', async () => {
  const { ask, signIn } = browse()
  const asked = await ask('/jobs?status=failed')
  expect([asked.status, asked.headers.get('location')]).toEqual([303, '/dashboard/login?to=%2Fjobs%3Fstatus%3Dfailed'])
  expect((await ask('/login?to=%2Fjobs')).status).toBe(200)
  const signedIn = await signIn(secret, '/jobs?status=failed')
  expect([signedIn.status, signedIn.headers.get('location')]).toEqual([303, '/dashboard/jobs?status=failed'])
  expect((await ask('/jobs')).status).toBe(200)
})

test('a job leads to its group, which shows its jobs alone, how many have ended, and what it calls', async () => {
  const page = browse()
  await page.signIn()
  const text = async (path: string) => (await page.ask(path)).text()
  const shown = async (path: string) => [...(await text(path)).matchAll(/id="job-(\d+)"/g)].map(([, id]) => Number(id))
  const foo = (b: 1 | 2 | 3) => ({ task: cool.foo, args: { b } })
  const made = await jobs.insertMany([foo(1), foo(2), foo(3)], {
    group: { onFailed: { task: cool.foo, args: { b: 1 } } },
  })
  const { id, onFailed } = made.group
  const ids = made.jobs.map((job) => job.id).toReversed()
  await jobs.cancel(ids[0]!)
  expect(await text(`/jobs/${ids[0]}`)).toContain(`<a href="/dashboard/jobs?group=${id}">${id}</a>`)
  expect(await shown(`/jobs?group=${id}`)).toEqual(ids)
  expect(await shown(`/jobs?group=${id}&status=waiting`)).toEqual(ids.slice(1))
  const line = /<p>(Group .*?)<\/p>/.exec(await text(`/jobs?group=${id}`))?.[1]?.replaceAll(/<.*?>/g, '')
  expect(line).toMatch(
    new RegExp(`^Group ${id} is open: 1 of 3 ended, 2 waiting, 1 cancelled, on failure #${onFailed}`),
  )
  // What nothing is left of, and what is no id.
  expect(await text('/jobs?group=999999999')).toContain('No job is like this')
  expect((await page.ask('/jobs?group=%00;drop')).status).toBe(200)
  expect(page.errors).toEqual([])
  await jobs.cancel({ status: 'waiting', task: 'cool.foo' })
})

test('the cookie is not the secret, and is kept from scripts, other sites and plain connections', async () => {
  const [cookie] = (await browse().signIn()).headers.getSetCookie()
  expect(cookie).toMatch(
    /^jobmaster_session=\d+\.[\w-]+\.[0-9a-f]{64}; Max-Age=43200; Path=\/dashboard; HttpOnly; Secure; SameSite=Strict$/,
  )
  expect(cookie).not.toContain(secret)
})

test('a wrong secret, a forged cookie and one of another secret open nothing', async () => {
  const page = browse()
  expect((await page.signIn('guess')).status).toBe(401)
  expect(page.cookie).toBe('')
  await page.signIn()
  const good = page.cookie
  const later = good.replace(/=\d+/, (until) => `=${Number(until.slice(1)) + 1}`)
  for (const cookie of [later, `${good}0`, good.slice(0, -1), 'jobmaster_session=', 'jobmaster_session=a.b.c']) {
    page.cookie = cookie
    expect((await page.ask('/jobs')).status, cookie).toBe(303)
  }
  const other = browse({}, { env: { JOBMASTER_SECRET: 'another-secret' } })
  other.cookie = good
  expect((await other.ask('/jobs')).status).toBe(303)
})

test('where no secret is set it is closed, and names the variable', async () => {
  const { ask } = browse({}, { env: {} })
  for (const path of ['', '/login', '/jobs/1']) {
    const response = await ask(path)
    expect(response.status).toBe(503)
    expect(await response.text()).toContain('JOBMASTER_SECRET')
  }
})

test('signing in goes on to no other site', async () => {
  for (const to of ['https://evil.example', '//evil.example', '/\\evil.example', 'jobs']) {
    expect((await browse().signIn(secret, to)).headers.get('location'), to).toBe('/dashboard')
  }
  const atRoot = new Hono().route('/', dashboard(jobs, { auth: (_, next) => next() }))
  expect((await atRoot.request('https://jobs.example//evil.example/')).headers.get('location')).toBeNull()
})

test('what changes something needs the token of a page of the session, and to be sent from this site', async () => {
  const page = browse()
  await page.signIn()
  const id = (await jobs.insert(cool.bar, { b: 1, c: 'to be cancelled' })).id
  const token = await page.token(`/jobs/${id}`)
  const cancel = (form: Record<string, string>, headers?: Record<string, string>) =>
    page.ask(`/jobs/${id}/cancel`, form, headers)
  expect((await cancel({})).status).toBe(403)
  expect((await cancel({ token: 'guess' })).status).toBe(403)
  expect((await cancel({ token }, { origin: 'https://evil.example' })).status).toBe(403)
  expect((await cancel({ token }, {})).status).toBe(403)
  const stranger = browse()
  await stranger.signIn()
  expect((await cancel({ token: await stranger.token(`/jobs/${id}`) })).status).toBe(403)
  expect(await jobs.get(id)).toMatchObject({ status: 'waiting' })
  expect((await cancel({ token })).headers.get('location')).toBe(`/dashboard/jobs/${id}?done=cancelled`)
  expect(await jobs.get(id)).toMatchObject({ status: 'cancelled' })
})

test('a GET changes nothing', async () => {
  const page = browse()
  await page.signIn()
  const { id } = await jobs.insert(cool.bar, { b: 1, c: 'stays' })
  for (const path of [`/jobs/${id}/cancel`, `/jobs/${id}/retry`, '/tasks/cool.bar/pause', '/logout']) {
    expect((await page.ask(path)).status).toBe(404)
  }
  expect(await jobs.get(id)).toMatchObject({ status: 'waiting' })
})

test('a job that waits is given another priority and time by form, and what cannot be is refused there', async () => {
  const page = browse()
  await page.signIn()
  const { id } = await jobs.insert(cool.bar, { b: 1, c: 'later' }, { priority: 3 })
  const token = await page.token(`/jobs/${id}/change`)
  const change = (form: Record<string, string>) => page.ask(`/jobs/${id}/change`, { token, ...form })
  for (const form of [{ priority: 'high' }, { priority: '1.5' }, { priority: '1e300' }, { runAt: 'soon' }]) {
    const refused = await change(form)
    expect([refused.status, await refused.text()]).toEqual([422, expect.stringContaining('role="alert"')])
  }
  expect((await change({})).status).toBe(422)
  expect(await (await change({ priority: '-2000000000' })).text()).toMatch(
    /id="priority-problem" role="alert">change: priority/,
  )
  const changed = await change({ priority: ' 8 ', runAt: '' })
  expect([changed.status, changed.headers.get('location')]).toEqual([303, `/dashboard/jobs/${id}?done=changed`])
  expect(await jobs.get(id)).toMatchObject({ priority: 8, status: 'waiting' })
  await change({ runAt: '2099-01-02T03:04' })
  expect(await jobs.get(id)).toMatchObject({ priority: 8, status: 'scheduled', runAt: new Date('2099-01-02T03:04Z') })
  await jobs.cancel(id)
  expect((await change({ priority: '9' })).status).toBe(409)
  expect(page.errors).toEqual([])
})

test('a job is deleted after a question that says what else will fail', async () => {
  const late = task({
    params: {},
    run: () => {
      throw new RetryAfter(3_600_000)
    },
  })
  const needs = task({ params: {}, dependencies: dependsOn(late, { withinHours: 1 }), run: () => {} })
  const made = await setup({ slow: { late, needs } })
  const dependent = await made.jobs.insert(needs, {})
  await made.jobs.runUntilEmpty(deadlineIn())
  const [job] = (await made.jobs.list({ task: 'slow.late' })).jobs
  const app = new Hono().route('/', dashboard(made.jobs, { auth: (_, next) => next() }))
  const asked = await app.request(`${origin}/jobs/${job!.id}/delete`)
  const text = await asked.text()
  expect(text).toContain(`Delete job #${job!.id}?`)
  expect(text).toMatch(new RegExp(`These wait for it, and will fail[^]*#${dependent.id}<`))
  expect(await made.jobs.get(job!.id)).toMatchObject({ status: 'scheduled' })
  const deleted = await app.request(`${origin}/jobs/${job!.id}/delete`, {
    method: 'POST',
    headers: { origin, cookie: asked.headers.getSetCookie()[0]!.split(';')[0]! },
    body: new URLSearchParams({ token: /name="token" value="(\w+)"/.exec(text)![1]! }),
  })
  expect([deleted.status, deleted.headers.get('location')]).toEqual([303, '/jobs?done=deleted'])
  expect(await made.jobs.get(job!.id)).toBeNull()
  expect(await made.jobs.get(dependent.id)).toMatchObject({ status: 'failed' })
  expect((await app.request(`${origin}/jobs/${job!.id}/delete`)).status).toBe(404)
  expect((await app.request(`${origin}/jobs/${job!.id}/change`)).status).toBe(404)
})

test('its pages take nothing from elsewhere, nothing inline, and stand in no frame', async () => {
  const page = browse()
  await page.signIn()
  for (const path of [
    '',
    '/jobs',
    '/jobs/1',
    '/jobs/1/change',
    '/jobs/1/delete',
    '/tasks',
    '/tasks/cool.bar',
    '/tasks/cool.bar/insert',
    '/graph',
    '/schedules',
    '/none',
  ]) {
    const response = await page.ask(path)
    const policy = response.headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const text = await response.text()
    expect(text, path).not.toMatch(/ style=| on\w+=|<style|<script(?! type="module" src="\/dashboard\/)|https?:\/\//)
  }
})

test('its files are named by their content, and kept for ever', async () => {
  const page = browse()
  const text = await (await page.ask('/login')).text()
  const files = [...text.matchAll(/\/dashboard(\/assets\/[\w-]+\.\w+)/g)].map(([, path]) => path!)
  expect(files).toHaveLength(3)
  for (const file of files) {
    const response = await page.ask(file)
    expect([response.status, response.headers.get('cache-control')]).toEqual([
      200,
      'public, max-age=31536000, immutable',
    ])
  }
})

test("with the application's own middleware there is no form, and the token is asked for all the same", async () => {
  const page = browse({
    auth: (c, next) => (c.req.header('x-user') === 'ada' ? next() : Promise.resolve(c.text('who?', 401))),
  })
  const ada = { origin, 'x-user': 'ada' }
  expect((await page.ask('/jobs')).status).toBe(401)
  const shown = await page.ask('/tasks/cool.bar', undefined, ada)
  expect(shown.status).toBe(200)
  const token = /name="token" value="(\w+)"/.exec(await shown.text())?.[1] ?? ''
  expect((await page.ask('/tasks/cool.bar/pause', { token: 'guess' }, ada)).status).toBe(403)
  expect((await page.ask('/tasks/cool.bar/pause', { token }, ada)).status).toBe(303)
  expect((await page.ask('/tasks/cool.bar/resume', { token }, ada)).status).toBe(303)
})

test("auth: 'none' is for the loopback interface", async () => {
  expect((await browse({ auth: 'none' }).ask('/jobs')).status).toBe(503)
  expect((await browse({ auth: 'none' }, { loopback: true }).ask('/jobs')).status).toBe(200)
})

test('a link from elsewhere, with which no strict cookie comes along, is asked for once more by the page itself', async () => {
  const response = await browse().ask('/jobs/1', undefined, { 'sec-fetch-site': 'cross-site' })
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('http-equiv="refresh"')])
})

test('what jobs hold is text in its pages, whatever it looks like', async () => {
  const page = browse()
  await page.signIn()
  const { id } = await jobs.insert(cool.bar, { b: 1, c: '</script><img src=x onerror=alert(1)>' })
  for (const path of [`/jobs/${id}`, '/jobs', `/jobs?q=${encodeURIComponent('<img src=x')}`, '?done=<img>']) {
    expect(await (await page.ask(path)).text()).not.toContain('<img')
  }
})

test('it says what is wrong with a page that is not there', async () => {
  const page = browse()
  await page.signIn()
  for (const path of ['/jobs/999999', '/tasks/cool.none', '/nowhere']) expect((await page.ask(path)).status).toBe(404)
  expect(page.errors).toEqual([])
})

test('it may be mounted anywhere', async () => {
  const app = new Hono().route('/admin/queue', dashboard(jobs, { auth: (_, next) => next() }))
  const text = await (await app.request('/admin/queue/jobs')).text()
  expect(text).toContain('href="/admin/queue/tasks"')
  expect(text).not.toContain('"/dashboard')
})

test('nothing of it is in a bundle that does not import it', async () => {
  for (const entry of ['src/index.ts', 'src/http.ts', 'functions/cloudflare/worker.ts']) {
    const { text } = await bundled({ entry, packages: 'external', external: [] })
    expect(text, entry).not.toMatch(/jobmaster_session|d3-s|dagre|doctype/)
  }
})

test("a job's page has its progress and what its handler logged", async () => {
  const chatty = task({
    params: {},
    run(_, ctx) {
      ctx.log('read <b>7</b> rows')
      ctx.progress(0.4, 'reading')
    },
  })
  const made = await setup({ loud: { chatty } })
  const { id } = await made.jobs.insert(chatty, {})
  await made.jobs.runUntilEmpty(deadlineIn())
  const { send } = serve(made.jobs, { dashboard, auth: (_, next) => next() })
  const page = await (await send(new Request(`${origin}/dashboard/jobs/${id}`))).text()
  expect(page).toContain('40 %: reading')
  expect(page).toMatch(/\d\d:\d\d:\d\d\.\d{3} attempt 1 {2}read &lt;b&gt;7&lt;\/b&gt; rows/)
})
