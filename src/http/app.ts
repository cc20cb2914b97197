import type { Context, Hono, MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { Hono as SmallHono } from 'hono/tiny'
import type { GroupInsert } from '../groups.ts'
import type { JobMaster } from '../jobmaster.ts'
import { type Auth, authorized, authorizedDrain } from './auth.ts'
import { invocationOf } from './invocation.ts'
import { document } from './openapi.ts'
import { Problem, problemOf } from './problem.ts'
import { type DrainRequest, logged, runDrain, type RunDrainOptions } from './run.ts'
import * as schemas from './schemas.ts'
import { isSigned } from './signature.ts'
import { type JobsSource, withJobs } from './source.ts'
import { streamed } from './stream.ts'
import { told } from './told.ts'
import { jsonBody, jsonBodyIfAny, limitedBody, valid } from './validate.ts'

export interface HttpOptions extends RunDrainOptions {
  /**
   * When not given, `CRON_SECRET` of the environment opens the drain, and `JOBMASTER_SECRET` every other route; what has
   * no secret is closed. Else the application's own middleware, or `'none'`.
   */
  auth?: Auth
  /** Where the app is mounted, when it is not by `app.route('/jobs', createApp(…))`. */
  basePath?: string
  /** Pages for people, at `/dashboard`: `dashboard` of `jobmaster/dashboard`. None when not given. */
  dashboard?: (jobs: JobsSource, options: Pick<HttpOptions, 'auth' | 'onError'>) => Hono
  /** As Hono's `cors` takes it. Browsers keep other origins out when not given. */
  cors?: Parameters<typeof cors>[0]
}

/** The type of the app, for Hono's client: `hc<App>('https://…')`. */
export type App = ReturnType<typeof routes>

/**
 * JobMaster over HTTP: a Hono app, to serve as it is or to mount in another, `app.route('/jobs', createApp(jobs))`.
 * Opens nothing and asks nothing until a request comes.
 */
export function createApp(jobs: JobsSource, options: HttpOptions = {}): App {
  const { basePath, onError = logged } = options
  const app = routes(jobs, options)
  if (options.dashboard) app.route('/dashboard', options.dashboard(jobs, options))
  // The type stays that of the routes: a client gives the base path in its address.
  const based: App = basePath === undefined ? app : (new SmallHono().route(basePath, app) as unknown as App)
  for (const one of new Set<Pick<App, 'notFound' | 'onError'>>([app, based])) {
    one.notFound(() => new Problem(404, { detail: 'there is no such route' }).response())
    one.onError((error, c) => {
      const problem = problemOf(error, c.req.path)
      if (problem.status >= 500 && problem.cause !== undefined) onError(problem.cause)
      return problem.response()
    })
  }
  return based
}

function routes(source: JobsSource, options: HttpOptions) {
  const { auth, onError = logged } = options
  const open = authorized(auth)
  const openDrain = authorizedDrain(auth, source)

  function within<T>(c: Context, work: (jobs: JobMaster) => Promise<T>): Promise<T> {
    return withJobs(source, invocationOf(c).env, work)
  }

  /** After the answer. Who waits for it has had theirs. */
  function drainLater(c: Context, request: DrainRequest = {}): void {
    const invocation = invocationOf(c)
    invocation.waitUntil(runDrain(source, invocation, options, request).catch(onError))
  }

  async function drain(c: Context, { background, stream, ...request }: DrainInput) {
    const invocation = invocationOf(c)
    const spent = isSigned(c.req.raw.headers) ? 1 : 0
    if (background) {
      drainLater(c, { ...request, spent })
      return c.json({ accepted: true as const }, 202)
    }
    if (stream) {
      const run = (onJob: NonNullable<DrainRequest['onJob']>) =>
        runDrain(source, invocation, options, { ...request, spent, onJob })
      // A client that reads it as JSON has not asked for a stream.
      return streamed(c, run, onError) as never
    }
    return c.json(told(await runDrain(source, invocation, options, { ...request, spent })))
  }

  return (
    new SmallHono()
      .use(prepared)
      .use(options.cors ? cors(options.cors) : pass)
      .get('/health', (c) => c.json({ status: 'ok' as const }))
      .all('/health', only('GET'))

      // A signature is for the body: who has overheard one could write another query to it.
      .get('/drain', notByHead, openDrain, valid('query', schemas.drainQuery), (c) =>
        drain(c, isSigned(c.req.raw.headers) ? {} : c.req.valid('query')),
      )
      .post(
        '/drain',
        limitedBody,
        openDrain,
        jsonBodyIfAny,
        valid('query', schemas.drainQuery),
        valid('json', schemas.drainBody),
        (c) => drain(c, { ...(!isSigned(c.req.raw.headers) && c.req.valid('query')), ...c.req.valid('json') }),
      )
      .all('/drain', only('GET, POST'))

      .post('/jobs', limitedBody, open, jsonBody, valid('json', schemas.insertBody), async (c) => {
        const { task, args, drain: drainAfter, ...rest } = c.req.valid('json')
        const job = await within(c, (jobs) => jobs.insert(task, args, rest))
        if (drainAfter) drainLater(c)
        return c.json(job, job.existing ? 200 : 201)
      })
      .get('/jobs', open, valid('query', schemas.listQuery), async (c) =>
        c.json(await within(c, (jobs) => jobs.list(c.req.valid('query')))),
      )
      .all('/jobs', only('GET, POST'))
      .post('/jobs/batch', limitedBody, open, jsonBody, valid('json', schemas.batchBody), async (c) => {
        const { jobs: items, group, drain: drainAfter } = c.req.valid('json')
        const inserted = await within(c, async (jobs): Promise<Omit<GroupInsert, 'group'> & Partial<GroupInsert>> =>
          group ? jobs.insertMany(items, { group }) : { jobs: await jobs.insertMany(items) },
        )
        if (drainAfter) drainLater(c)
        return c.json(inserted, 201)
      })
      .all('/jobs/batch', only('POST'))
      .post('/jobs/cancel', limitedBody, open, jsonBody, valid('json', schemas.filterBody), async (c) =>
        c.json(await within(c, (jobs) => jobs.cancel(c.req.valid('json')))),
      )
      .all('/jobs/cancel', only('POST'))
      .post('/jobs/retry', limitedBody, open, jsonBody, valid('json', schemas.filterBody), async (c) =>
        c.json(await within(c, (jobs) => jobs.retry(c.req.valid('json')))),
      )
      .all('/jobs/retry', only('POST'))
      .post('/jobs/delete', limitedBody, open, jsonBody, valid('json', schemas.filterBody), async (c) =>
        c.json(await within(c, (jobs) => jobs.delete(c.req.valid('json')))),
      )
      .all('/jobs/delete', only('POST'))

      .get('/jobs/:id', open, valid('param', schemas.jobParam), async (c) => {
        const { id } = c.req.valid('param')
        const job = await within(c, (jobs) => jobs.get(id))
        if (!job) throw new Problem(404, { detail: `there is no job #${id}`, code: 'JM011' })
        return c.json(job)
      })
      .all('/jobs/:id', only('GET'))
      .get('/jobs/:id/attempts', open, valid('param', schemas.jobParam), async (c) => {
        const { id } = c.req.valid('param')
        return c.json({ attempts: await within(c, (jobs) => jobs.attempts(id)) })
      })
      .all('/jobs/:id/attempts', only('GET'))
      .get('/jobs/:id/log', open, valid('param', schemas.jobParam), async (c) => {
        const { id } = c.req.valid('param')
        return c.json({ log: await within(c, (jobs) => jobs.log(id)) })
      })
      .all('/jobs/:id/log', only('GET'))
      .get('/jobs/:id/explain', open, valid('param', schemas.jobParam), async (c) => {
        const { id } = c.req.valid('param')
        return c.json({ id, explanation: await within(c, (jobs) => jobs.explain(id)) })
      })
      .all('/jobs/:id/explain', only('GET'))
      .post('/jobs/:id/retry', limitedBody, open, valid('param', schemas.jobParam), async (c) =>
        c.json(await within(c, (jobs) => jobs.retry(c.req.valid('param').id))),
      )
      .all('/jobs/:id/retry', only('POST'))
      .post('/jobs/:id/cancel', limitedBody, open, valid('param', schemas.jobParam), async (c) =>
        c.json(await within(c, (jobs) => jobs.cancel(c.req.valid('param').id))),
      )
      .all('/jobs/:id/cancel', only('POST'))
      .post(
        '/jobs/:id/change',
        limitedBody,
        open,
        jsonBody,
        valid('param', schemas.jobParam),
        valid('json', schemas.changeBody),
        async (c) => c.json(await within(c, (jobs) => jobs.change(c.req.valid('param').id, c.req.valid('json')))),
      )
      .all('/jobs/:id/change', only('POST'))
      .post('/jobs/:id/delete', limitedBody, open, valid('param', schemas.jobParam), async (c) =>
        c.json(await within(c, (jobs) => jobs.delete(c.req.valid('param').id))),
      )
      .all('/jobs/:id/delete', only('POST'))

      .get('/groups/:id', open, valid('param', schemas.groupParam), async (c) =>
        c.json(await within(c, (jobs) => jobs.group(c.req.valid('param').id))),
      )
      .all('/groups/:id', only('GET'))
      .get('/tasks', open, async (c) => c.json({ tasks: await within(c, (jobs) => jobs.tasks()) }))
      .all('/tasks', only('GET'))
      .post('/tasks/:name/pause', limitedBody, open, valid('param', schemas.nameParam), async (c) => {
        const { name: task } = c.req.valid('param')
        return c.json({ task, ...(await within(c, (jobs) => jobs.pause({ task }))) })
      })
      .all('/tasks/:name/pause', only('POST'))
      .post('/tasks/:name/resume', limitedBody, open, valid('param', schemas.nameParam), async (c) => {
        const { name: task } = c.req.valid('param')
        await within(c, (jobs) => jobs.resume({ task }))
        return c.json({ task, pausedAt: null })
      })
      .all('/tasks/:name/resume', only('POST'))
      .post('/systems/:name/pause', limitedBody, open, valid('param', schemas.nameParam), async (c) => {
        const { name: system } = c.req.valid('param')
        return c.json({ system, ...(await within(c, (jobs) => jobs.pause({ system }))) })
      })
      .all('/systems/:name/pause', only('POST'))
      .post('/systems/:name/resume', limitedBody, open, valid('param', schemas.nameParam), async (c) => {
        const { name: system } = c.req.valid('param')
        await within(c, (jobs) => jobs.resume({ system }))
        return c.json({ system, pausedAt: null })
      })
      .all('/systems/:name/resume', only('POST'))
      .get('/schedules', open, async (c) => c.json({ schedules: await within(c, (jobs) => jobs.schedules()) }))
      .all('/schedules', only('GET'))
      .post('/schedules/:name/pause', limitedBody, open, valid('param', schemas.nameParam), async (c) => {
        const { name: schedule } = c.req.valid('param')
        return c.json({ schedule, ...(await within(c, (jobs) => jobs.pause({ schedule }))) })
      })
      .all('/schedules/:name/pause', only('POST'))
      .post('/schedules/:name/resume', limitedBody, open, valid('param', schemas.nameParam), async (c) => {
        const { name: schedule } = c.req.valid('param')
        await within(c, (jobs) => jobs.resume({ schedule }))
        return c.json({ schedule, pausedAt: null })
      })
      .all('/schedules/:name/resume', only('POST'))
      .get('/graph', open, async (c) => c.json(await within(c, (jobs) => jobs.graph())))
      .all('/graph', only('GET'))
      .get('/status', open, async (c) => c.json(await within(c, (jobs) => jobs.status())))
      .all('/status', only('GET'))
      .get('/metrics', open, async (c) =>
        c.text(await within(c, (jobs) => jobs.metrics()), 200, {
          'content-type': 'text/plain; version=0.0.4; charset=utf-8',
        }),
      )
      .all('/metrics', only('GET'))
      .get('/openapi.json', open, (c) => c.json(document()))
      .all('/openapi.json', only('GET'))
  )
}

interface DrainInput extends DrainRequest {
  background?: boolean | undefined
  stream?: boolean | undefined
}

const pass: MiddlewareHandler = (_, next) => next()

const prepared: MiddlewareHandler = async (c, next) => {
  invocationOf(c)
  await next()
  if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store')
  c.res.headers.set('x-content-type-options', 'nosniff')
}

/** Hono answers HEAD as it would GET; but a HEAD changes nothing. */
const notByHead: MiddlewareHandler = async (c, next) => {
  if (c.req.method === 'HEAD') throw notAllowed('GET, POST')
  await next()
}

function only(allowed: string): () => never {
  return () => {
    throw notAllowed(allowed)
  }
}

function notAllowed(allow: string): Problem {
  return new Problem(405, { detail: `this route takes ${allow}`, headers: { allow } })
}
