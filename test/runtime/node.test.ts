import { createJobMaster, task } from 'jobmaster'
import { node, type NodeOptions } from 'jobmaster/node'
import { request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { Gate } from '../support/gate.ts'
import { openWork, secrets, work } from './application.ts'
import { platform } from './reference.ts'

async function serve(options: NodeOptions = {}, jobs: Parameters<typeof node>[0] = openWork) {
  const server = await node(jobs, { port: 0, ...options })
  onTestFinished(() => server.close())
  return server
}

test('it drains when it starts, and again when a report says that there is something to do', async () => {
  const { jobs } = await platform()
  const completed = async () => (await jobs.status()).jobs.completed
  await jobs.insert(work.note, { number: 1 })
  await jobs.insert(work.note, { number: 2 }, { runAt: new Date(Date.now() + 700) })
  await serve({ drainEveryMs: 3_600_000 })
  await expect.poll(completed).toBe(1)
  await expect.poll(completed, { timeout: 5_000 }).toBe(2)
})

test('without an interval it asks the database for nothing', async () => {
  const { statements } = await platform()
  const server = await serve()
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
  expect(statements.count).toBe(0)
})

test("auth: 'none' is for whoever asks over the loopback interface, by a name of it", async () => {
  await platform()
  const { url } = await serve({ auth: 'none' })
  expect((await fetch(`${url}/status`)).status).toBe(200)
  // What a page elsewhere makes a browser send, whose name was pointed at 127.0.0.1.
  expect(await statusFor(`${url}/status`, { host: 'evil.example' })).toBe(503)
})

test("auth: 'none' is closed to what a page from elsewhere sends to this machine, and open to a page of this machine", async () => {
  await platform()
  const { url } = await serve({ auth: 'none' })
  expect(await statusFor(`${url}/status`, { origin: 'https://evil.example' })).toBe(503)
  expect(await statusFor(`${url}/status`, { origin: 'null' })).toBe(503)
  expect(await statusFor(`${url}/drain`, { 'sec-fetch-site': 'cross-site' })).toBe(503)
  expect(await statusFor(`${url}/status`, { origin: 'http://localhost:5173', 'sec-fetch-site': 'same-site' })).toBe(200)
  expect(await statusFor(`${url}/status`, { origin: url, 'sec-fetch-site': 'same-origin' })).toBe(200)
})

test('a path that begins with two slashes names no other host', async () => {
  await platform()
  const { url } = await serve({ auth: 'none' })
  expect(await statusFor(`${url}//127.0.0.1/status`, {})).toBe(404)
})

test('when it closes, running handlers are told to stop, and what had not started goes back', async () => {
  const { db, env } = await platform()
  const gate = new Gate()
  const wait = task({
    params: {},
    run: async (_args, { signal }) => {
      void gate.pass()
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('told to stop'))))
    },
  })
  const jobs = createJobMaster({ db, env, tasks: { work: { wait } } })
  await jobs.deploy()
  await jobs.insertMany(Array.from({ length: 3 }, () => ({ task: wait, args: {} })))
  const server = await node(jobs, { port: 0 })
  const answer = fetch(`${server.url}/drain?concurrency=1`, {
    headers: { authorization: `Bearer ${secrets.CRON_SECRET}` },
  })
  await gate.holds(1)
  await server.close()
  expect(await (await answer).json()).toMatchObject({ stopReason: 'aborted', completed: 0 })
  expect((await jobs.status()).jobs).toMatchObject({ running: 0, failed: 0 })
})

test('when it closes, who does not end a request is not waited for', async () => {
  await platform()
  const errors: unknown[] = []
  const server = await node(openWork, { port: 0, onError: (error) => errors.push(error) })
  const headers = {
    authorization: `Bearer ${secrets.JOBMASTER_SECRET}`,
    'content-type': 'application/json',
    'content-length': '100',
  }
  const sending = request(`${server.url}/jobs`, { method: 'POST', headers })
  const hungUp = new Promise((resolve) => sending.once('error', resolve))
  sending.write('{"task": ')
  await new Promise((resolve) =>
    sending.once('socket', (socket) => socket.once('drain', resolve).once('connect', resolve)),
  )
  await server.close()
  await hungUp
  expect(errors).toEqual([])
})

/** Of a request whose headers and path fetch would not send as they are. */
function statusFor(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const path = url.slice(url.indexOf('/', 'http://'.length))
    request({ hostname, port, path, headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}
