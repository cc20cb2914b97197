import { secrets } from './application.ts'

/** One request of the list that every runtime answers alike. Its path begins where the app is mounted. */
export interface Asked {
  method: string
  path: string
  headers: Record<string, string>
  body?: string
}

export interface Answer {
  request: string
  status: number
  type: string | null
  body: unknown
}

const cron = { authorization: `Bearer ${secrets.CRON_SECRET}` }
const all = { authorization: `Bearer ${secrets.JOBMASTER_SECRET}` }

/** In order: later ones see what earlier ones did. The database is fresh, with the tasks of application.ts deployed. */
const requests: readonly Asked[] = [
  get('/health'),
  get('/nowhere'),
  { ...get('/jobs', all), method: 'DELETE' },
  get('/status'),
  get('/status', { authorization: 'Bearer wrong' }),
  get('/status', cron),
  get('/drain'),
  get('/drain', all),
  post('/jobs', { task: 'work.note', args: { number: 1 } }),
  post('/jobs', { task: 'work.note', args: { number: 2, colour: 'ALL' }, priority: 5 }),
  post('/jobs', { task: 'work.note', args: { number: 'two' } }),
  post('/jobs', { task: 'work.none', args: {} }),
  post('/jobs', { task: 'work.note', args: { number: 1 }, more: true }),
  { ...post('/jobs', {}), body: '{"task": ' },
  { ...post('/jobs', {}), headers: { ...all, 'content-type': 'text/plain' } },
  post('/jobs', { task: 'work.note', args: { number: 3, text: 'x'.repeat(3_000_000) } }),
  post('/jobs/batch', {
    jobs: [
      { task: 'work.ask', args: { number: 1 } },
      { task: 'work.note', args: { number: 4 }, runAt: '2100-01-01T00:00:00Z' },
    ],
  }),
  get('/jobs?limit=2', all),
  get('/jobs?status=scheduled&task=work.note', all),
  get('/jobs?status=lost', all),
  get('/jobs/1', all),
  get('/jobs/9999', all),
  get('/jobs/1/explain', all),
  post('/drain', { budget: 10, concurrency: 1 }, cron),
  get('/jobs/1', all),
  post('/jobs/1/cancel', {}),
  post('/jobs/1/retry', {}),
  post('/jobs', { task: 'work.note', args: { number: 5 } }),
  get('/drain?stream=1&budget=10', cron),
  get('/tasks', all),
  get('/graph', all),
  get('/status', all),
  get('/openapi.json', all),
]

/** What a runtime answers to the whole list, without what differs from run to run. */
export async function answersOf(ask: (asked: Asked) => Promise<Response>): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const asked of requests) {
    const response = await ask(asked)
    const text = await response.text()
    const type = response.headers.get('content-type')
    answers.push({
      request: `${asked.method} ${asked.path}`,
      status: response.status,
      type,
      body: type?.includes('json') ? steady(JSON.parse(text)) : steadyText(text),
    })
  }
  return answers
}

/** Asks a server that listens, or any function of requests. */
export function over(base: string, fetch: (request: Request) => Promise<Response> = globalThis.fetch) {
  return ({ method, path, headers, body }: Asked) =>
    fetch(new Request(`${base}${path}`, { method, headers, ...(body !== undefined && { body }) }))
}

function get(path: string, headers: Record<string, string> = {}): Asked {
  return { method: 'GET', path, headers }
}

function post(path: string, body: unknown, headers: Record<string, string> = all): Asked {
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }
}

const time = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(Z|\+00:00)/g

function steadyText(text: string): string {
  return text
    .replace(time, 'a time')
    .replace(/"durationMs":[\d.e-]+/g, '"durationMs":0')
    .replace(/^id: .*\n/gm, '')
}

function steady(value: unknown): unknown {
  return JSON.parse(steadyText(JSON.stringify(value)))
}
