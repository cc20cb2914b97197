import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { context } from '@opentelemetry/api'
import { sql as statement } from 'drizzle-orm'
import { createJobMaster, task } from 'jobmaster'
import { fromEnv } from 'jobmaster/from-env'
import { createApp, withInvocation } from 'jobmaster/http'
import { neonFetch } from 'jobmaster/neon-fetch'
import { openTelemetry } from 'jobmaster/opentelemetry'
import { neonConfig } from '@neondatabase/serverless'
import { inspect } from 'node:util'
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { newDatabase } from '../neon/open.ts'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'
import { neonServer } from '../support/drivers.ts'
import { openDatabase } from '../support/open.ts'
import type { Sql } from '../support/sql.ts'

// Each driver is made to fail in each way, where the engine asks and where a handler does. All that comes out, wherever,
// is searched for secrets.

const password = 'planted+password'
const env = {
  JOBMASTER_SECRET: 'planted-secret-of-the-routes',
  CRON_SECRET: 'planted-secret-of-the-drain',
  JOBMASTER_SIGNING_SECRET: 'planted-secret-that-signs',
  OTHER_KEY: 'planted-key-of-another-service',
}
const planted = /planted|:\/\/jobs_user:/

const drivers = ['node-postgres', 'neon-http', 'neon-websocket', 'neon-fetch'] as const
type Driver = (typeof drivers)[number]

interface Failure {
  spoil?: (url: URL) => void
  query?: string
  /** Of Neon's HTTP alone. */
  status?: 500
}

const failures: Record<string, Failure> = {
  wrongPassword: { spoil: (url) => (url.password = 'planted-wrong') },
  unknownUser: { spoil: (url) => (url.username = 'nobody_known') },
  unknownDatabase: { spoil: (url) => (url.pathname = '/nowhere') },
  outOfReach: { spoil: (url) => (url.port = '9') },
  divided: { query: 'select 1 / 0' },
  misspelt: { query: 'selekt 1' },
  notGranted: { query: 'select rolpassword from pg_authid' },
  cut: { query: 'select pg_terminate_backend(pg_backend_pid())' },
  answered500: { status: 500 },
}

const spans = new InMemorySpanExporter()
const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer('test')

beforeAll(async () => {
  const { sql } = await openDatabase()
  await sql(`drop role if exists jobs_user; create role jobs_user login password '${password}'`)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return () => context.disable()
})

test.each(drivers)('over %s no way to fail shows a secret to anybody', { timeout: 60_000 }, async (driver) => {
  const seen: unknown[] = []
  const see = (...values: unknown[]) => void seen.push(...values)
  for (const name of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    const spy = vi.spyOn(console, name).mockImplementation(see)
    onTestFinished(() => spy.mockRestore())
  }
  spans.reset()
  const options = {
    env,
    logger: { debug: see, info: see, warn: see, error: see },
    telemetry: openTelemetry({ tracer }),
  }
  const { url, fail } = await newDatabase()
  const ways = Object.entries(failures).filter(([, { status }]) => !status || /http|fetch/.test(driver))
  const broken = ways.map(([name, { spoil, query = 'select 1', status }]) => {
    const spoilt = new URL(url)
    spoilt.username = 'jobs_user'
    spoilt.password = password
    spoil?.(spoilt)
    const opened = async () => {
      const { db, close } = await open(driver, spoilt)
      onTestFinished(close)
      if (status) fail(...Array.from({ length: 20 }, () => ({ status })))
      return db
    }
    const asks = task({
      params: {},
      maxAttempts: 1,
      run: async () => void (await (await opened()).execute(statement.raw(query))),
    })
    return { name, opened, asks }
  })
  const cool = Object.fromEntries(broken.map(({ name, asks }) => [name, asks]))

  // Where handlers ask, of a queue that is well.
  const well = await setup({ cool }, options)
  await well.jobs.insertMany(broken.map(({ asks }) => ({ task: asks, args: {} })))
  const report = await well.jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  expect(report.failed, inspect(report)).toBe(ways.length)
  see(report, await everyRow(well.sql))
  const paths = ['/jobs', '/jobs/1', '/jobs/1/attempts', '/jobs/1/explain', '/status', '/tasks', '/graph', '/metrics']
  see(...(await answers(well.jobs, paths)))

  // Where the engine asks.
  for (const { opened, asks } of broken) {
    const jobs = createJobMaster({ ...options, db: await opened(), tasks: { cool } })
    const calls = [
      () => jobs.insert(asks, {}),
      () => jobs.runUntilEmpty(deadlineIn()),
      () => jobs.status(),
      () => jobs.deploy(),
    ]
    for (const call of calls) see(await call().catch((error: unknown) => error))
    see(...(await answers(jobs, ['/drain', '/drain?stream', '/jobs/1', '/nowhere'])))
  }

  for (const { name, attributes, events, status } of spans.getFinishedSpans()) see({ name, attributes, events, status })
  // All of it is searched: what failed is in it.
  expect(seen.filter((one) => written(one).includes('division by zero')).length).toBeGreaterThan(3)
  for (const one of seen) {
    expect(inspect(one, { depth: Infinity, maxStringLength: null, maxArrayLength: null })).not.toMatch(planted)
    expect(written(one)).not.toMatch(planted)
  }
})

test('an address to go on at that is none, or holds a password, is not shown', async () => {
  const { jobs } = await setup({ cool: {} })
  for (const url of ['planted-no-url', 'https://user:planted@jobs.example/drain']) {
    const { goOn } = await import('../../src/http/continuation.ts')
    const report = { ...(await jobs.runUntilEmpty(deadlineIn())), stopReason: 'deadline' as const, remaining: 1 }
    const going = await goOn({ url }, {}, { jobs, report, concurrency: 1, env })
    const error = await going?.started.catch((refused: unknown) => refused)
    expect(error).toMatchObject({ message: expect.stringContaining('continueWith: url must be') })
    expect(inspect(error, { depth: Infinity })).not.toMatch(planted)
  }
})

async function open(driver: Driver, url: URL) {
  if (driver === 'node-postgres') return fromEnv({ DATABASE_URL: url.href }, { log: () => {} })
  // For all of the driver: each opening sets it for what is asked until the next.
  const { fetchEndpoint, wsProxy } = await neonServer()
  const nobody = { fetchEndpoint: 'http://127.0.0.1:9/sql', wsProxy: '127.0.0.1:9/v2' }
  Object.assign(neonConfig, url.port === '9' ? nobody : { fetchEndpoint, wsProxy })
  const atNeon = new URL(url)
  atNeon.host = 'ep-cool-meadow-123456.eu-central-1.aws.neon.tech'
  atNeon.port = ''
  if (driver === 'neon-fetch') {
    const db = neonFetch(atNeon.href, { fetch: (_, init) => fetch(String(neonConfig.fetchEndpoint), init) })
    return { db, close: async () => {} }
  }
  const neon = driver === 'neon-http' ? 'http' : 'websocket'
  return fromEnv({ DATABASE_URL: atNeon.href }, { neon, log: () => {} })
}

/** What the routes answer, heads included. What went wrong inside goes to the console. */
async function answers(jobs: Parameters<typeof createApp>[0], paths: string[]): Promise<string[]> {
  const app = createApp(jobs)
  return Promise.all(
    paths.map(async (path) => {
      const authorization = `Bearer ${path.startsWith('/drain') ? env.CRON_SECRET : env.JOBMASTER_SECRET}`
      const request = new Request(`https://jobs.example${path}`, { headers: { authorization } })
      const response = await app.fetch(withInvocation(request, { env, deadline: deadlineIn(), waitUntil: () => {} }))
      return `${JSON.stringify([...response.headers])} ${await response.text()}`
    }),
  )
}

async function everyRow(sql: Sql): Promise<string> {
  const tables = await sql`select table_name as name from information_schema.tables where table_schema = 'jobmaster'`
  const rows = []
  for (const { name } of tables) rows.push(await sql(`select one::text from jobmaster."${name}" one`))
  return JSON.stringify(rows)
}

/** As a logger writes JSON: of errors, which JSON.stringify leaves empty, what they are and every field. */
function written(value: unknown): string {
  const seen = new Set<unknown>()
  return (
    JSON.stringify(value, (_, part: unknown) => {
      if (typeof part === 'bigint') return String(part)
      if (typeof part !== 'object' || part === null) return part
      if (seen.has(part)) return undefined
      seen.add(part)
      if (!(part instanceof Error)) return part
      return { ...part, name: part.name, message: part.message, stack: part.stack, cause: part.cause }
    }) ?? ''
  )
}
