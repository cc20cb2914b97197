import fc from 'fast-check'
import { createApp, signatureHeaders, withInvocation } from 'jobmaster/http'
import { node } from 'jobmaster/node'
import { connect } from 'node:net'
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import * as v from 'valibot'
import * as answers from '../../src/http/answers.ts'
import * as cool from '../http/tasks.ts'
import { setup } from '../support/jobs.ts'
import { mostly, requestsTo, type Sent } from './hostile-requests.ts'

/** The nightly run has more requests, and others each night. */
const numRuns = Number(process.env.JOBMASTER_FUZZ_RUNS ?? 10_000)
const seed = Number(process.env.JOBMASTER_FUZZ_SEED ?? 1)

const env = {
  JOBMASTER_SECRET: 'planted-secret-of-the-routes',
  CRON_SECRET: 'planted-secret-of-the-drain',
  JOBMASTER_SIGNING_SECRET: 'planted-secret-that-signs',
  DATABASE_URL: 'postgres://planted-user:planted-password@planted-host/planted-database',
  OTHER_KEY: 'planted-key-of-another-service',
}
const planted = /planted-/
/** Of an Error, as it is and within JSON. */
const stack = /(\n|\\n)\s+at \S/
/** What only the inside of this function, or of Postgres, would say. */
const inside = /node_modules|\/src\/|\.ts:\d|PL\/pgSQL|syntax error|jobmaster\.\w+\(|ECONN/

type Made = Awaited<ReturnType<typeof setup<{ cool: typeof cool }>>>
let made: Made
let app: ReturnType<typeof createApp>
let documented: Record<string, Record<string, Documented> | undefined>
const logged: string[] = []

beforeAll(async () => {
  made = await setup({ cool }, { env })
  await made.jobs.insertMany(
    Array.from({ length: 20 }, (_, index) => ({ task: cool.foo, args: { b: ((index % 3) + 1) as 1 } })),
  )
  app = createApp(made.jobs, {
    drain: { budgetMs: 100, concurrency: 4 },
    onError: (error) => logged.push(String(error)),
  })
  const headers = { authorization: `Bearer ${env.JOBMASTER_SECRET}` }
  documented = (await (await app.request('/openapi.json', { headers }, env)).json()).paths
})

async function request({ method, path, query, credentials, type, more, body }: Sent): Promise<Request> {
  const headers = new Headers(more)
  if (type !== undefined) headers.set('content-type', type)
  if (credentials === 'right')
    headers.set('authorization', `Bearer ${path === '/drain' ? env.CRON_SECRET : env.JOBMASTER_SECRET}`)
  else if (credentials === 'signed') {
    const signed = await signatureHeaders(env.JOBMASTER_SIGNING_SECRET, typeof body === 'string' ? body : '')
    for (const [name, value] of Object.entries({ ...signed, ...more })) headers.set(name, value)
  } else if (credentials.value !== undefined) headers.set('authorization', credentials.value)
  const carries = body !== undefined && method !== 'GET' && method !== 'HEAD'
  return new Request(`https://jobs.example${path}${query}`, {
    method,
    headers,
    ...(carries && { body: body as BodyInit }),
  })
}

/** Says that the OpenAPI document names this status here, and that the answer has what it says and nothing else. */
function asDocumented({ method, route, path }: Sent, { status, headers }: Response, answer: string): void {
  const operation = route && documented[route.replace(/:(\w+)/, '{$1}')]?.[method.toLowerCase()]
  // A segment of dots is taken out of an address, and then it is another route's.
  if (!operation || [404, 405].includes(status) || /%2e|\/\./i.test(path)) return
  const content = operation.responses[status]?.content
  expect(content, `${method} ${route} ${status}`).toBeDefined()
  const type = headers.get('content-type')?.replace(/;.*/, '') ?? ''
  expect(Object.keys(content ?? {})).toContain(type)
  if (!type.includes('json')) return
  const name = content?.[type]?.schema.$ref.split('/').at(-1)
  const [, schema] = Object.entries(answers).find(([key]) => key === name) ?? []
  const body: unknown = JSON.parse(answer)
  expect(schema && v.parse(schema, body), `${method} ${route} ${status}`).toEqual(body)
}

interface Documented {
  responses: Record<number, { content: Record<string, { schema: { $ref: string } }> } | undefined>
}

async function state(): Promise<unknown> {
  return made.sql`
    select
      (select jsonb_build_array(count(*), max(id), sum(attempt), sum(priority), max(run_at), max(finished_at)) from jobmaster.jobs) as jobs,
      (select jsonb_agg(paused_at order by id) from jobmaster.tasks) as tasks,
      (select jsonb_agg(paused_at order by name) from jobmaster.systems) as systems`
}

test(`${numRuns} generated requests from seed ${seed}: nothing breaks, nothing is told, and what is refused changes nothing`, async () => {
  const written: string[] = []
  const output = [
    ...(['log', 'info', 'warn', 'error', 'debug'] as const).map((name) => vi.spyOn(console, name)),
    vi.spyOn(process.stdout, 'write'),
    vi.spyOn(process.stderr, 'write'),
  ]
  for (const spy of output)
    spy.mockImplementation((...values: unknown[]) => Boolean(written.push(values.map(String).join(' '))))
  onTestFinished(() => output.forEach((spy) => spy.mockRestore()))
  // Some are a GET and a 405 for all the rest.
  const routes = app.routes.filter(({ method }) => method !== 'ALL')
  const statuses = new Map<number, number>()
  let before = await state()

  await fc.assert(
    fc.asyncProperty(requestsTo(routes), async (sent) => {
      const later: Promise<unknown>[] = []
      made.statements.reset()
      const response = await app.fetch(
        withInvocation(await request(sent), {
          env,
          deadline: new Date(Date.now() + 5_000),
          waitUntil: (promise) => later.push(promise),
        }),
      )
      const answer = await response.text()
      await Promise.all(later)
      const { status } = response
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      const told = `${JSON.stringify([...response.headers])} ${answer}`

      expect(status, answer).toBeLessThan(500)
      expect(told).not.toMatch(planted)
      if (status >= 400) {
        expect(told).not.toMatch(stack)
        expect(told).not.toMatch(inside)
        if (sent.method !== 'HEAD') {
          expect(response.headers.get('content-type')).toBe('application/problem+json')
          expect(JSON.parse(answer)).toMatchObject({ type: 'about:blank', status, detail: expect.any(String) })
          expect(answer.length).toBeLessThan(120_000)
        }
      }
      // What does not get past secrets, methods, types and sizes reaches no database; a signature alone is looked up there.
      if ([400, 401, 405, 413, 415].includes(status))
        expect(made.statements.count).toBeLessThanOrEqual(sent.credentials === 'signed' ? 1 : 0)
      asDocumented(sent, response, answer)
      if (made.statements.count > 0) {
        const after = await state()
        if (status >= 400) expect(after).toEqual(before)
        before = after
      }
    }),
    { numRuns, seed },
  )

  expect(logged).toEqual([])
  expect(written.join('\n')).not.toMatch(planted)
  // It has not only knocked at closed doors.
  const reached = [200, 201, 202, 400, 401, 404, 405, 409, 413, 415, 422]
  expect(Object.fromEntries(statuses)).toMatchObject(
    Object.fromEntries(reached.map((status) => [status, expect.any(Number)])),
  )
}, 3_600_000)

const line = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 20 }),
  fc.constantFrom(
    'Host: x',
    'Host:',
    'Host: [::1',
    'Host: a b',
    'Content-Length: 5',
    'Content-Length: 1e3',
    'Content-Length: -1',
  ),
  fc.constantFrom('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked, identity', 'Expect: 100-continue'),
  fc.constantFrom(
    `Authorization: Bearer ${env.JOBMASTER_SECRET}`,
    `X: ${'x'.repeat(20_000)}`,
    'Content-Type: application/json',
  ),
  fc.constantFrom('Upgrade: websocket', 'Connection: upgrade', 'Connection: close', ': x', ' x', 'a\u0000: b'),
)
const target = mostly(
  fc.constantFrom('/', '/jobs', '/status', '/drain', '//x/status', '/%', '/\u00ff'),
  fc.oneof(
    fc.constantFrom('*', 'http://x:99999/', 'http://[', 'x:443', 'http://x/status'),
    fc.string({ unit: 'binary-ascii', maxLength: 10 }),
  ),
)
const method = mostly(
  fc.constantFrom('GET', 'POST', 'HEAD'),
  fc.constantFrom('TRACE', 'CONNECT', 'OPTIONS', 'get', 'X', ''),
)
const version = mostly(fc.constant('HTTP/1.1'), fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'PRI', ''))
const lines = fc.tuple(mostly(fc.constant('Host: x'), line), fc.array(line, { maxLength: 3 }))
const body = fc.constantFrom(
  '',
  '{}',
  '5\r\nhello\r\n0\r\n\r\n',
  'zz\r\n',
  '{"task": "cool.foo"}',
  'GET /status HTTP/1.1\r\n\r\n',
)
const bytes = fc
  .tuple(method, target, version, lines, body)
  .map(([first, path, last, [host, headers], rest]) =>
    [`${first} ${path} ${last}`, host, ...headers, '', rest].join('\r\n'),
  )

test('whatever bytes are sent to the server of Node, it goes on, and tells nothing', async () => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
  const errors: unknown[] = []
  const answered = new Set<string>()
  const server = await node(made.jobs, { port: 0, onError: (error) => errors.push(error) })
  onTestFinished(() => server.close())
  const { port } = new URL(server.url)
  await fc.assert(
    fc.asyncProperty(bytes, async (sent) => {
      const answer = await answerTo(Number(port), sent)
      expect(answer).not.toMatch(planted)
      expect(answer).not.toMatch(stack)
      expect(answer).not.toMatch(/^HTTP\S+ 5/)
      answered.add(answer.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length))
    }),
    { numRuns: Math.ceil(numRuns / 20), seed },
  )
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
  expect(errors).toEqual([])
  // Those are of the app, and not of Node.
  for (const status of ['401', '404']) expect(answered).toContain(status)
}, 3_600_000)

/** All that comes back, until the server hangs up or there is nothing more to come. */
function answerTo(port: number, sent: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.end(Buffer.from(sent, 'latin1')))
    socket.setTimeout(500, () => socket.destroy())
    socket.on('data', (data) => (answer += data.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}
