import fc from 'fast-check'
import { Hono } from 'hono'
import { dashboard } from 'jobmaster/dashboard'
import { expect, test } from 'vitest'
import * as cool from '../http/tasks.ts'
import { setup } from '../support/jobs.ts'
import { mostly, parts, text, times } from './hostile-requests.ts'

const numRuns = Math.ceil(Number(process.env.JOBMASTER_FUZZ_RUNS ?? 10_000) / 5)
const seed = Number(process.env.JOBMASTER_FUZZ_SEED ?? 1)

const origin = 'https://jobs.example'
/** What only the inside of this function, or of Postgres, would say. */
const inside = /node_modules|\/src\/|\.ts:\d|PL\/pgSQL|syntax error|ECONN|\n\s+at \S/

const wrong = fc.oneof(
  text,
  fc.constantFrom('1e400', '٣', '2030-02-31T12:00', '+275760-09-13T00:00', '-1', 'infinity', '0x10'),
)
const fields = {
  priority: mostly(fc.integer({ min: -1e9, max: 1e9 }).map(String), wrong),
  runAt: mostly(fc.oneof(times, fc.constantFrom('2030-01-31T12:00', '')), wrong),
  'arg.a': mostly(fc.integer().map(String), wrong),
  'arg.b': mostly(fc.constantFrom('1', '2', '3', 'ALL'), wrong),
  'arg.c': text,
  [`arg.__proto__`]: text,
}
const form = fc.record(fields, { requiredKeys: [] })
const query = fc.record(
  {
    q: mostly(text, fc.constantFrom('#1', '42', '%_\\')),
    status: mostly(fc.constantFrom('failed', 'waiting', 'lost'), text),
    task: mostly(fc.constantFrom('cool.foo', 'cool.bad'), text),
    before: fc.constantFrom('1', '999999999999999', '9999999999999999', '-1', 'x'),
    done: mostly(fc.constantFrom('inserted', 'deleted'), text),
    to: fc.constantFrom('/jobs', '//evil.example', '/\\evil.example', 'https://evil.example'),
  },
  { requiredKeys: [] },
)

test(`${numRuns} generated requests to the dashboard: no page breaks or tells of the inside, and a GET changes nothing`, async () => {
  const { jobs, sql } = await setup({ cool })
  await jobs.insertMany(
    Array.from({ length: 60 }, (_, index) => ({ task: cool.foo, args: { b: ((index % 3) + 1) as 1 } })),
  )
  const logged: unknown[] = []
  const pages = dashboard(jobs, { auth: (_, next) => next(), onError: (error) => logged.push(error) })
  const app = new Hono().route('/', pages)
  const first = await app.request(`${origin}/tasks`)
  const cookie = first.headers.getSetCookie()[0]!.split(';')[0]!
  const token = /name="token" value="(\w+)"/.exec(
    await (await app.request(`${origin}/tasks/cool.foo`, { headers: { cookie } })).text(),
  )![1]!
  const state = () => sql`
    select
      (select jsonb_agg(jsonb_build_array(id, status, priority, run_at) order by id) from jobmaster.jobs) as jobs,
      (select jsonb_agg(paused_at order by id) from jobmaster.tasks) as tasks`
  let before = await state()
  const statuses = new Set<number>()
  const routes = pages.routes.filter(({ method }) => method !== 'ALL')

  const requests = fc.constantFrom(...routes).chain(({ method, path }) =>
    fc.record({
      method: fc.constant(method),
      path: fc.tuple(...path.split('/').map(segment)).map((all) => all.join('/')),
      query,
      form,
      token: mostly(fc.constant(token), text),
    }),
  )
  await fc.assert(
    fc.asyncProperty(requests, async (sent) => {
      const search = new URLSearchParams(wellFormed(sent.query))
      const response = await app.request(`${origin}${sent.path}?${search}`, {
        method: sent.method,
        headers: { cookie, origin },
        ...(sent.method === 'POST' && { body: new URLSearchParams(wellFormed({ ...sent.form, token: sent.token })) }),
      })
      const answer = await response.text()
      statuses.add(response.status)
      expect(response.status, answer).toBeLessThan(500)
      expect(answer).not.toMatch(inside)
      expect(response.headers.get('location') ?? '').not.toMatch(/evil/)
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
      const after = await state()
      if (sent.method === 'GET' || response.status >= 400) expect(after).toEqual(before)
      before = after
    }),
    { numRuns, seed },
  )
  expect(logged).toEqual([])
  for (const status of [200, 303, 403, 404, 409, 422]) expect(statuses).toContain(status)
}, 600_000)

/** Of a route, `:id{\\d{1,15}}` say. */
function segment(part: string): fc.Arbitrary<string> {
  const [, name = '', pattern = ''] = /^:(\w+)(?:\{(.*)\})?$/.exec(part) ?? []
  if (name === 'verb') return fc.constantFrom(...pattern.split('|'))
  return parts[name] ?? fc.constant(part)
}

function wellFormed(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.toWellFormed()]))
}
