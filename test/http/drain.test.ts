import { task } from 'jobmaster'
import type { HttpOptions } from 'jobmaster/http'
import { node } from 'jobmaster/node'
import { request } from 'node:http'
import * as v from 'valibot'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'
import { cronSecret, secret, serve } from './app.ts'

const note = task({ params: { number: v.number() }, run: () => {} })
const cool = { note }

test('a drain is given no more time and no more at once than the platform and the configuration let', async () => {
  const gate = new Gate()
  const see = task({ params: {}, run: (_, { deadline }) => deadline.getTime() - Date.now() })
  const wait = task({ params: {}, run: () => gate.pass() })
  const { jobs } = await setup({ cool: { see, wait } })
  /** How many milliseconds a handler is told to have. */
  const given = async (options: HttpOptions, query: string, body?: object) => {
    const { id } = await jobs.insert(see, {})
    const { ask } = serve(jobs, options)
    expect((await ask(body ? 'POST' : 'GET', `/drain${query}`, body)).status).toBe(200)
    return Number((await jobs.get(id))?.result)
  }
  // The platform's are ten seconds.
  expect(await given({}, '?budget=99999999')).toBeLessThanOrEqual(10_000)
  expect(await given({}, '', { budget: 1e300 })).toBeLessThanOrEqual(10_000)
  expect(await given({}, '?budget=99999999')).toBeGreaterThan(8_000)
  expect(await given({ drain: { budgetMs: 4_000 } }, '?budget=30')).toBeLessThanOrEqual(4_000)
  expect(await given({ drain: { budgetMs: 4_000 } }, '?budget=2')).toBeLessThanOrEqual(2_000)

  await jobs.insertMany(Array.from({ length: 12 }, () => ({ task: wait, args: {} })))
  const { ask } = serve(jobs, { drain: { concurrency: 3 } })
  const drained = ask('POST', '/drain?concurrency=999999999')
  await gate.holds(3)
  gate.open()
  expect(await (await drained).json()).toMatchObject({ completed: 12 })
  expect(gate.most).toBe(3)
})

test('an insert starts a drain after its answer where it asks for one, and none where it does not', async () => {
  const { jobs } = await setup({ cool })
  const { ask, afterwards } = serve(jobs)
  const completed = async () => {
    await afterwards()
    return (await jobs.status()).jobs.completed
  }
  const args = { number: 1 }
  expect((await ask('POST', '/jobs', { task: 'cool.note', args })).status).toBe(201)
  expect(await completed()).toBe(0)
  expect((await ask('POST', '/jobs/batch', { jobs: [{ task: 'cool.note', args }], drain: true })).status).toBe(201)
  expect(await completed()).toBe(2)
  expect((await ask('POST', '/jobs', { task: 'cool.note', args, drain: true })).status).toBe(201)
  expect(await completed()).toBe(3)
})

const megabytes = 10

/** Ten megabytes, and how much of them was read. */
function large() {
  let read = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (read === megabytes * 16) return controller.close()
        read += 1
        controller.enqueue(new Uint8Array(65_536).fill(0x20))
      },
    },
    { highWaterMark: 0 },
  )
  return { body, read: () => read / 16 }
}

test.each(['/jobs', '/jobs/batch', '/drain', '/jobs/1/retry', '/jobs/cancel', '/jobs/1/change'])(
  'a body of 10 MB to %s is refused unread where its length is said, and once a megabyte of it was read where not',
  async (path) => {
    const made = await setup({ cool })
    const { send } = serve(made.jobs)
    const opened = `Bearer ${path === '/drain' ? cronSecret : secret}`
    for (const length of [undefined, String(megabytes * 1_048_576)]) {
      for (const authorization of [opened, 'Bearer wrong']) {
        const { body, read } = large()
        const headers = {
          authorization,
          'content-type': 'application/json',
          ...(length && { 'content-length': length }),
        }
        const init = { method: 'POST', headers, body, duplex: 'half' }
        const response = await send(new Request(`https://jobs.example${path}`, init))
        expect(response.status).toBe(413)
        expect(await response.json()).toMatchObject({ title: 'Content Too Large' })
        expect(read()).toBeLessThan(length ? 0.1 : 1.5)
      }
    }
    expect(made.statements.count).toBe(0)
  },
)

test('a client that sends 10 MB to the server of Node has its answer, and the server goes on', async () => {
  const { jobs, statements } = await setup({ cool })
  vi.stubEnv('JOBMASTER_SECRET', secret)
  onTestFinished(() => void vi.unstubAllEnvs())
  const server = await node(jobs, { port: 0 })
  for (const chunked of [false, true]) {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
      const sending = request(`${server.url}/jobs`, { method: 'POST', headers }, (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode))
      })
      sending.on('error', reject)
      const whole = Buffer.alloc(megabytes * 1_048_576, ' ')
      if (!chunked) sending.setHeader('content-length', whole.length)
      else sending.flushHeaders()
      sending.end(whole)
    })
    expect(status).toBe(413)
  }
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
  expect(statements.count).toBe(0)
  const closing = performance.now()
  await server.close()
  // Less than the time that Node keeps a connection alive.
  expect(performance.now() - closing).toBeLessThan(4_000)
})
