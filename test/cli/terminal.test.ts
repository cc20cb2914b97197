import { expect, test } from 'vitest'
import { project } from './project.ts'
import { terminal } from './terminal.ts'

const timeout = 120_000
const escape = '\u001b['

test('colours and bars are there on a terminal, and nowhere else', { timeout }, async () => {
  const { folder, start, jobmaster, url } = await project()
  await jobmaster('insert', 'cool.foo', 'a=1', 'b=ALL')
  const piped = await start(['list'], { CI: 'true' }).ended
  expect(piped.stdout).toContain('waiting')
  expect(piped.stdout).not.toContain(escape)
  expect((await start(['list'], { FORCE_COLOR: '1' }).ended).stdout).toContain(escape)

  const listed = await terminal(folder, ['list'], { DATABASE_URL: url }).ended
  expect(listed.screen).toContain(`${escape}33mwaiting${escape}39m`)
  const plain = await terminal(folder, ['list'], { DATABASE_URL: url, NO_COLOR: '1' }).ended
  expect(plain.screen).toContain('waiting')
  expect(plain.screen).not.toContain(escape)

  const ran = await terminal(folder, ['run'], { DATABASE_URL: url }).ended
  expect(ran.code).toBe(0)
  expect(ran.screen).toContain('█')
  expect(ran.screen).toContain('3 completed')
})

test('on a terminal a reset is asked about, and no is the default', { timeout }, async () => {
  const { folder, json, jobmaster, url } = await project()
  await jobmaster('insert', 'cool.foo', 'a=1', 'b=1')
  const no = terminal(folder, ['deploy', '--reset'], { DATABASE_URL: url })
  await no.shown('Drop schema jobmaster with 1 job?')
  no.type('\r')
  expect((await no.ended).code).toBe(5)
  expect((await json('list')).jobs).toHaveLength(1)

  const yes = terminal(folder, ['deploy', '--reset'], { DATABASE_URL: url })
  await yes.shown('Drop schema jobmaster with 1 job?')
  yes.type('y')
  expect((await yes.ended).code).toBe(0)
  expect((await json('list')).jobs).toEqual([])
})

test('Ctrl-C on a terminal finishes what runs, releases the rest and says so', { timeout }, async () => {
  const { folder, jobmaster, json, url } = await project()
  for (let job = 0; job < 2; job += 1) await jobmaster('insert', 'cool.slow', 'ms=1500')
  const running = terminal(folder, ['run', '--concurrency', '1'], { DATABASE_URL: url })
  await running.shown('slow began')
  running.type('\u0003')
  const { code, screen } = await running.ended
  expect(code).toBe(130)
  expect(screen).toContain('Finishing what runs')
  expect(screen).toContain('1 completed')
  expect((await json('status')).jobs).toMatchObject({ completed: 1, waiting: 1, running: 0 })
})

test('a second Ctrl-C stops at once, and what it stopped is tried again later', { timeout }, async () => {
  const { jobmaster, json, start } = await project()
  await jobmaster('insert', 'cool.slow', 'ms=60000')
  const running = start(['run'])
  await running.said('slow began')
  running.process.kill('SIGINT')
  await running.said('Finishing what runs')
  const stopped = Date.now()
  running.process.kill('SIGINT')
  const { code } = await running.ended
  expect(code).toBe(130)
  expect(Date.now() - stopped).toBeLessThan(10_000)
  expect((await json('status')).jobs).toMatchObject({ scheduled: 1, running: 0 })
})

test('SIGTERM is answered as the first Ctrl-C is, and ends with 143', { timeout }, async () => {
  const { jobmaster, start } = await project()
  await jobmaster('insert', 'cool.slow', 'ms=500')
  const running = start(['run'])
  await running.said('slow began')
  running.process.kill('SIGTERM')
  expect(await running.ended).toMatchObject({ code: 143, stdout: expect.stringContaining('1 completed') })
})
