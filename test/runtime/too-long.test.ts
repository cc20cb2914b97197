import type { JobMaster, Report } from 'jobmaster'
import { createJobMaster, task } from 'jobmaster'
import { awsLambda } from 'jobmaster/aws-lambda'
import { cloudflare } from 'jobmaster/cloudflare'
import { deno } from 'jobmaster/deno'
import { netlify } from 'jobmaster/netlify'
import { node } from 'jobmaster/node'
import { vercel } from 'jobmaster/vercel'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { secrets } from './application.ts'
import { functionUrl, responseOf, scheduledEvent, timeLeft } from './lambda-events.ts'
import { platform } from './reference.ts'

/** Never ends the first time, whatever its signal says. */
const stubborn = task({
  params: {},
  run: (_args, { job }) => (job.attempt === 1 ? new Promise<void>(() => {}) : undefined),
})

/** As short as a platform's limit can be told to be; where it is the platform's alone, the drain has a shorter one. */
const limitMs = 2_500
const short = { drain: { budgetMs: 500 } }
const drain = { method: 'GET', path: '/drain', headers: { authorization: `Bearer ${secrets.CRON_SECRET}` } }
const asked = () => new Request('https://app.example/drain', { headers: drain.headers })
const noContext = { waitUntil: () => {} }

const platforms: Record<string, (jobs: JobMaster, env: object) => Promise<unknown>> = {
  'cloudflare, a request': async (jobs, env) => json(await cloudflare(jobs, short).fetch(asked(), env, noContext)),
  'cloudflare, a cron trigger': (jobs, env) => cloudflare(jobs, short).scheduled({}, env, noContext),
  'cloudflare, a queue': (jobs, env) => cloudflare(jobs, short).queue({ messages: [{ body: {} }] }, env, noContext),
  vercel: async (jobs) => json(await vercel(jobs, { maxDuration: limitMs / 1_000 }).GET(asked())),
  'netlify, a request': async (jobs) => json(await netlify(jobs, short).http(asked())),
  'netlify, scheduled': async (jobs) => json(await netlify(jobs, short).scheduled(asked())),
  'netlify, in the background': async (jobs) => json(await netlify(jobs, short).background(asked())),
  'aws-lambda, a request': async (jobs) =>
    json(responseOf(await awsLambda(jobs)(functionUrl(drain), timeLeft(limitMs)))),
  'aws-lambda, EventBridge': (jobs) => awsLambda(jobs)(scheduledEvent, timeLeft(limitMs)),
  deno: async (jobs) => json(await deno(jobs, { limitMs, auth: anybody }).fetch(asked())),
  async node(jobs) {
    const server = await node(jobs, { port: 0, limitMs })
    const report = json(await fetch(`${server.url}/drain`, { headers: drain.headers }))
    return report.finally(() => server.close())
  },
}

test.for(Object.entries(platforms))(
  '%s: a drain whose handler does not end returns in time, and its job is free when its lease ends',
  async ([, run]) => {
    const { db, env, clock } = await platform()
    const jobs = createJobMaster({ db, env, tasks: { work: { stubborn } } })
    await jobs.deploy()
    const { id } = await jobs.insert(stubborn, {})

    const startedAt = Date.now()
    const report = await run(jobs, env)
    expect(Date.now() - startedAt).toBeLessThan(limitMs)
    if (report)
      expect(report).toMatchObject({ stopReason: 'deadline', abandoned: 1, completed: 0 } satisfies Partial<Report>)
    expect(await jobs.get(id)).toMatchObject({ status: 'running', attempt: 1 })

    await clock.advance({ seconds: 31 })
    await jobs.runUntilEmpty(deadlineIn())
    expect(await jobs.get(id)).toMatchObject({ status: 'completed', attempt: 2 })
  },
)

async function json(response: Response): Promise<unknown> {
  expect(response.status).toBe(200)
  return response.json()
}

/** There is no Deno here, and so no environment of it that would have the secrets. */
async function anybody(_context: unknown, next: () => Promise<void>): Promise<void> {
  await next()
}
