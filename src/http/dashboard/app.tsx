import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { HTTPException } from 'hono/http-exception'
import { basePath } from 'hono/route'
import { secureHeaders } from 'hono/secure-headers'
import { JobMasterError } from '../../errors.ts'
import type { Group } from '../../groups.ts'
import { type JobStatus, jobStatuses } from '../../job.ts'
import type { JobMaster } from '../../jobmaster.ts'
import type { Auth } from '../auth.ts'
import { invocationOf } from '../invocation.ts'
import { Problem, problemOf } from '../problem.ts'
import { logged } from '../run.ts'
import { type JobsSource, withJobs } from '../source.ts'
import { type Access, admitted, secretOf, signIn, signOut } from './access.ts'
import { act, pageAt, refusalOf, texts, type Within } from './action.ts'
import { assets } from './assets.ts'
import { type Done, sentenceOf } from './done.ts'
import { GraphPage } from './graph.tsx'
import { argumentsOf, InsertPage } from './insert.tsx'
import { jobActions, missing } from './job-actions.tsx'
import { JobPage } from './job.tsx'
import { JobsPage, query } from './jobs.tsx'
import { LoginPage } from './login.tsx'
import { OverviewPage } from './overview.tsx'
import { ProblemPage } from './problem.tsx'
import { overview } from './queries/overview.ts'
import { relations } from './queries/relations.ts'
import { search } from './queries/search.ts'
import { timings } from './queries/timings.ts'
import { SchedulesPage } from './schedules.tsx'
import { TaskPage } from './task.tsx'
import { TasksPage } from './tasks.tsx'

export interface DashboardOptions {
  /**
   * As that of the HTTP app: `JOBMASTER_SECRET` of the environment opens a form to sign in by when not given; else the
   * application's own middleware, or `'none'`.
   */
  auth?: Auth
  /** Told of what went wrong here. The console is when not given. */
  onError?: (error: unknown) => void
}

/**
 * Pages for people: give it to the HTTP app, `createApp(jobs, { dashboard })`, which serves it at `/dashboard`, or mount
 * it elsewhere, `app.route('/admin/jobs', dashboard(jobs))`. Opens nothing and asks nothing until a request comes.
 */
export function dashboard(source: JobsSource, { auth, onError = logged }: DashboardOptions = {}): Hono {
  const within: Within = (c, work) => withJobs(source, invocationOf(c).env, work)

  const app = new Hono()
  app.onError((error, c) => {
    const problem = pageProblem(error, c.req.path)
    if (problem.status >= 500 && problem.cause !== undefined) onError(problem.cause)
    return c.html(<ProblemPage access={accessOf(c)} problem={problem} />, problem.status)
  })

  return app
    .use(headers, csrf(), limitedForm, nameable)
    .get('/assets/:name', (c) => {
      const asset = Object.values(assets).find(({ name }) => name === c.req.param('name'))
      if (!asset) throw new Problem(404, { detail: 'there is no such file' })
      // Its name has its hash.
      c.header('cache-control', 'public, max-age=31536000, immutable')
      return c.body(asset.text, 200, { 'content-type': asset.type })
    })
    .get('/login', (c) => {
      if (auth !== undefined) return c.redirect(pageAt(accessOf(c).base, '/'), 303)
      secretOf(c)
      return c.html(<LoginPage access={accessOf(c)} to={inner(c.req.query('to'))} refused={false} />)
    })
    .post('/login', async (c) => {
      if (auth !== undefined) throw new Problem(404, { detail: 'there is no such page' })
      const { secret, to } = await c.req.parseBody()
      const page = inner(to)
      if (typeof secret === 'string' && (await signIn(c, secret)))
        return c.redirect(pageAt(accessOf(c).base, page), 303)
      return c.html(<LoginPage access={accessOf(c)} to={page} refused />, 401)
    })

    .use(admitted(auth))
    .post('/logout', (c) => {
      signOut(c)
      return c.redirect(`${accessOf(c).base}/login`, 303)
    })
    .get('/', async (c) => {
      const found = await within(c, (jobs) => jobs.read(overview))
      return c.html(<OverviewPage access={c.get('access')} found={found} done={sentenceOf(c.req.query('done'))} />)
    })
    .get('/jobs', async (c) => {
      const text = c.req.query('q')?.trim() || undefined
      const id = /^#?(\d{1,15})$/.exec(text ?? '')?.[1]
      if (id !== undefined) return c.redirect(`${c.get('access').base}/jobs/${id}`, 303)
      const wanted = {
        status: statusOf(c.req.query('status')),
        task: storable(c.req.query('task')),
        group: idOf(c.req.query('group')),
        text: storable(text?.slice(0, 200)),
        before: idOf(c.req.query('before')),
      }
      const [found, tasks, group] = await within(c, async (jobs) => [
        await jobs.read((queue) => search(queue, wanted)),
        await jobs.tasks(),
        wanted.group === undefined ? undefined : await groupOf(jobs, wanted.group),
      ])
      return c.html(
        <JobsPage
          access={c.get('access')}
          search={wanted}
          found={found}
          tasks={tasks.map(({ task }) => task)}
          group={group}
          done={sentenceOf(c.req.query('done'))}
          now={new Date()}
        />,
      )
    })
    .post('/jobs/retry', async (c) => {
      const task = storable(c.req.query('task'))
      const { more } = await within(c, (jobs) => jobs.retry({ status: 'failed', ...(task && { task }) }))
      const done: Done = more ? 'retried-some' : 'retried-all'
      return c.redirect(`${c.get('access').base}/jobs${query({ status: 'failed', task, done })}`, 303)
    })
    .get('/jobs/:id{\\d{1,15}}', async (c) => {
      const id = Number(c.req.param('id'))
      const found = await within(c, async (jobs) => {
        const job = await jobs.get(id)
        const related = job && (await jobs.read((queue) => relations(queue, id)))
        if (!job || !related) throw missing(id)
        return {
          job,
          relations: related,
          attempts: await jobs.attempts(id),
          log: await jobs.log(id),
          explanation: await jobs.explain(id),
        }
      })
      return c.html(
        <JobPage access={c.get('access')} {...found} done={sentenceOf(c.req.query('done'))} now={new Date()} />,
      )
    })
    .route('/jobs/:id{\\d{1,15}}', jobActions(within))

    .get('/tasks', async (c) => {
      const [tasks, measured] = await within(c, async (jobs) => [await jobs.tasks(), await jobs.read(timings)])
      return c.html(
        <TasksPage access={c.get('access')} tasks={tasks} timings={measured} done={sentenceOf(c.req.query('done'))} />,
      )
    })
    .get('/tasks/:name', async (c) => {
      const name = c.req.param('name')
      const found = await within(c, async (jobs) => ({
        task: await taskOf(jobs, name),
        timing: (await jobs.read(timings)).get(name),
        graph: await jobs.graph(),
      }))
      return c.html(
        <TaskPage access={c.get('access')} {...found} done={sentenceOf(c.req.query('done'))} now={new Date()} />,
      )
    })
    .get('/tasks/:name/insert', async (c) => {
      const task = await within(c, (jobs) => taskOf(jobs, c.req.param('name')))
      return c.html(<InsertPage access={c.get('access')} task={task} values={c.req.query()} />)
    })
    .post('/tasks/:name/insert', async (c) => {
      const values = texts(await c.req.parseBody())
      const name = c.req.param('name')
      const answer = await within(c, async (jobs) => {
        const task = await taskOf(jobs, name)
        try {
          const priority = Number(values.priority?.trim() || 0)
          return { task, job: await jobs.insert(name, argumentsOf(task, values) as never, { priority }) }
        } catch (error) {
          if (error instanceof JobMasterError && /^JM00\d$/.test(error.code)) return { task, refused: error }
          throw error
        }
      })
      if ('job' in answer) {
        const { base } = c.get('access')
        return c.redirect(`${base}/jobs/${answer.job.id}${query({ done: 'inserted' })}`, 303)
      }
      const problem = refusalOf(answer.refused)
      return c.html(<InsertPage access={c.get('access')} task={answer.task} values={values} problem={problem} />, 422)
    })
    .post('/tasks/:name/:verb{pause|resume}', (c) => {
      const { name: task, verb } = c.req.param()
      return act(within, c, (jobs) => paused(jobs, verb, { task }), `/tasks/${encodeURIComponent(task)}`, doneOf(verb))
    })
    .post('/systems/:name/:verb{pause|resume}', (c) => {
      const { name: system, verb } = c.req.param()
      return act(within, c, (jobs) => paused(jobs, verb, { system }), '/', doneOf(verb))
    })
    .get('/graph', async (c) => {
      const found = await within(c, (jobs) => jobs.graph())
      return c.html(<GraphPage access={c.get('access')} found={found} now={new Date()} />)
    })
    .get('/schedules', async (c) => {
      const schedules = await within(c, (jobs) => jobs.schedules())
      return c.html(
        <SchedulesPage
          access={c.get('access')}
          schedules={schedules}
          done={sentenceOf(c.req.query('done'))}
          now={new Date()}
        />,
      )
    })
    .post('/schedules/:name/:verb{pause|resume}', (c) => {
      const { name: schedule, verb } = c.req.param()
      return act(within, c, (jobs) => paused(jobs, verb, { schedule }), '/schedules', doneOf(verb))
    })
    .all('*', (c) => {
      const { path, method } = c.req
      // Not //elsewhere/, which a browser would take for another host.
      if (method === 'GET' && /^\/[^/\\].*\/$/.test(path)) return c.redirect(path.replace(/\/+$/, ''), 301)
      throw new Problem(404, { detail: 'there is no such page' })
    })
}

/** Nothing from elsewhere, nothing inline, and in nobody's frame. */
const headers: MiddlewareHandler = async (c, next) => {
  c.header('cache-control', 'no-store')
  await policy(c, next)
}

const policy = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    scriptSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  referrerPolicy: 'same-origin',
  xFrameOptions: 'DENY',
  // The application's to say for its whole host.
  strictTransportSecurity: false,
})

/** No name of the database has a NUL, which it refuses even to look for. */
const nameable: MiddlewareHandler = async (c, next) => {
  if (c.req.path.includes('%00') || c.req.path.includes('\0')) {
    throw new Problem(404, { detail: 'there is no such page' })
  }
  await next()
}

const limitedForm = bodyLimit({
  maxSize: 2_097_152,
  onError: () => {
    throw new Problem(413, { detail: 'the form is too large: arguments have at most 1 MiB of JSON' })
  },
})

function accessOf(c: Context): Access {
  const known: Access | undefined = c.get('access')
  return known ?? { base: basePath(c).replace(/\/+$/, ''), token: '', signedIn: false }
}

function pageProblem(error: unknown, path: string): Problem {
  if (error instanceof HTTPException && error.status === 403) {
    return new Problem(403, {
      detail: 'this form was sent from another site: open the dashboard itself, and try again',
    })
  }
  return problemOf(error, path)
}

async function taskOf(jobs: JobMaster, name: string) {
  const task = (await jobs.tasks()).find((one) => one.task === name)
  if (!task) throw new Problem(404, { detail: `there is no task ${name}`, code: 'JM001' })
  return task
}

/** Its own answer, or none where nothing of it is left. */
async function groupOf(jobs: JobMaster, id: number): Promise<Group | undefined> {
  try {
    return await jobs.group(id)
  } catch (error) {
    if (error instanceof JobMasterError && error.code === 'JM018') return undefined
    throw error
  }
}

async function paused(jobs: JobMaster, verb: string, what: Parameters<JobMaster['pause']>[0]): Promise<void> {
  await (verb === 'pause' ? jobs.pause(what) : jobs.resume(what))
}

function doneOf(verb: string): Done {
  return verb === 'pause' ? 'paused' : 'resumed'
}

/** A page of the dashboard, and nothing else. */
function inner(to: unknown): string {
  return typeof to === 'string' && /^\/(?![/\\])/.test(to) ? to : '/'
}

function statusOf(text: string | undefined): JobStatus | undefined {
  return jobStatuses.find((status) => status === text)
}

/** Without what a text of the database cannot hold; nothing where that is all. */
function storable(text: string | undefined): string | undefined {
  return text?.replaceAll('\0', '') || undefined
}

function idOf(text: string | undefined): number | undefined {
  return /^\d{1,15}$/.test(text ?? '') ? Number(text) : undefined
}
