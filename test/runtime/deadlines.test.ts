import type { JobMaster } from 'jobmaster'
import { createJobMaster, task } from 'jobmaster'
import { awsLambda } from 'jobmaster/aws-lambda'
import { cloudflare } from 'jobmaster/cloudflare'
import { deno } from 'jobmaster/deno'
import { netlify } from 'jobmaster/netlify'
import { vercel } from 'jobmaster/vercel'
import { expect, test } from 'vitest'
import { secrets } from './application.ts'
import { functionUrl, gatewayV2, scheduledEvent, timeLeft } from './lambda-events.ts'
import { platform } from './reference.ts'

/** Gives back how many seconds its deadline is away. */
const see = task({ params: {}, run: (_args, { deadline }) => (deadline.getTime() - Date.now()) / 1_000 })

const drain = { method: 'GET', path: '/drain', headers: { authorization: `Bearer ${secrets.CRON_SECRET}` } }
const asked = () => new Request('https://app.example/drain', { headers: drain.headers })
const noContext = { waitUntil: () => {} }
const auth = async (_context: unknown, next: () => Promise<void>) => next()

type Run = (jobs: JobMaster, env: object) => Promise<unknown>

/** The platform's limit in seconds, less a tenth of it, at least two seconds and at most five. */
const platforms: [string, number, Run][] = [
  ['cloudflare, a request', 27, (jobs, env) => cloudflare(jobs).fetch(asked(), env, noContext)],
  ['cloudflare, a cron trigger', 895, (jobs, env) => cloudflare(jobs).scheduled({}, env, noContext)],
  ['vercel', 295, (jobs) => vercel(jobs).GET(asked())],
  ['vercel with maxDuration 800', 795, (jobs) => vercel(jobs, { maxDuration: 800 }).GET(asked())],
  ['netlify, a request', 55, (jobs) => netlify(jobs).http(asked())],
  ['netlify, scheduled', 27, (jobs) => netlify(jobs).scheduled(asked())],
  ['netlify, in the background', 895, (jobs) => netlify(jobs).background(asked())],
  ['aws-lambda behind a gateway', 26.1, (jobs) => awsLambda(jobs)(gatewayV2(drain), timeLeft(300_000))],
  ['aws-lambda by its own URL', 295, (jobs) => awsLambda(jobs)(functionUrl(drain), timeLeft(300_000))],
  ['aws-lambda, EventBridge', 895, (jobs) => awsLambda(jobs)(scheduledEvent, timeLeft(900_000))],
  ['aws-lambda with a limit of 3 s', 1, (jobs) => awsLambda(jobs)(scheduledEvent, timeLeft(3_000))],
  ['deno', 145, (jobs) => deno(jobs, { auth }).fetch(asked())],
]

test.for(platforms)('%s: a handler has a deadline %d seconds away', async ([, seconds, run]) => {
  const { db, env } = await platform()
  const jobs = createJobMaster({ db, env, tasks: { work: { see } } })
  await jobs.deploy()
  const { id } = await jobs.insert(see, {})
  await run(jobs, env)
  const { result } = (await jobs.get(id))!
  expect(result).toBeLessThanOrEqual(seconds)
  expect(result).toBeGreaterThan(seconds - 0.9)
})
