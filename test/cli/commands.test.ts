import { expect, test } from 'vitest'
import { project } from './project.ts'

const timeout = 120_000

test('a job is inserted by name=value, checked by the database, run, and shown', { timeout }, async () => {
  const { jobmaster, json } = await project()

  const inserted = await json('insert', 'cool.bar', 'b=2', 'c=3', '--priority', '7')
  expect(inserted).toMatchObject({ id: 1, task: 'cool.bar', priority: 7, args: { a: 1, b: 2, c: '3' } })
  expect(await json('insert', 'cool.foo', '{"a": 4, "b": 1}', '--at', '10m')).toMatchObject({ status: 'scheduled' })

  const refused = await jobmaster('insert', 'cool.bar', 'b=7', 'c=x')
  expect(refused).toEqual({ code: 2, stdout: '', stderr: 'error: cool.bar: "b" must be one of 1, 2, 3, got 7\n' })

  expect(await json('run')).toMatchObject({ stopReason: 'empty', completed: 2, failed: 0 })
  const shown = await json('show', '#1')
  expect(shown).toMatchObject({ status: 'completed', result: '3', attempts: [{ outcome: 'completed' }] })
  expect((await jobmaster('show', '1')).stdout).toMatch(
    /cool\.bar #1[^]*arguments +\{"a":1,"b":2,"c":"3"\}[^]*result +"3"/,
  )
  expect((await jobmaster('explain', '2')).stdout).toContain('not due')

  const listed = await json('list', '--status', 'completed', '--limit', '1')
  expect(listed.jobs).toMatchObject([{ task: 'cool.foo' }])
  const rest = await json('list', '--status', 'completed', '--cursor', listed.cursor)
  expect(rest).toMatchObject({ jobs: [{ id: 1 }], cursor: null })
})

test('what failed is said, ends run with 3, and is retried, changed, cancelled and deleted', { timeout }, async () => {
  const { jobmaster, json } = await project()
  await jobmaster('insert', 'cool.broken', 'message=no \u001b[31mway')
  const ran = await jobmaster('run')
  expect(ran.code).toBe(3)
  expect(ran.stdout).toContain('1 failed')
  // What a job says cannot paint the terminal.
  expect(ran.stdout).toContain('cool.broken #1: no way')

  expect(await json('retry', '1')).toMatchObject({ id: 1, status: 'waiting' })
  expect(await json('change', '1', '--priority', '9')).toMatchObject({ priority: 9 })
  expect(await json('cancel', '--task', 'cool.broken')).toEqual({ jobs: 1, more: false })
  expect(await json('delete', '1')).toMatchObject({ jobs: 1 })
  expect(await jobmaster('show', '1')).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no job #1') })
  expect(await jobmaster('cancel')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('name jobs by their ids'),
  })
})

test('a task or a system that is paused runs nothing until it is resumed', { timeout }, async () => {
  const { jobmaster, json } = await project()
  await jobmaster('insert', 'cool.foo', 'a=1', 'b=1')
  expect(await json('pause', 'cool.foo')).toMatchObject({ task: 'cool.foo', pausedAt: expect.any(String) })
  expect(await json('run')).toMatchObject({ stopReason: 'paused', completed: 0 })
  expect((await jobmaster('tasks')).stdout).toMatch(/cool\.foo .*paused/)
  await jobmaster('resume', 'cool.foo')
  await jobmaster('pause', '--system', 'default')
  expect((await json('status')).systems).toMatchObject([{ system: 'default', pausedAt: expect.any(String) }])
  await jobmaster('resume', '--system', 'default')
  expect(await json('run')).toMatchObject({ completed: 1 })
})

test('old jobs are pruned, and freshness stays', { timeout }, async () => {
  const { jobmaster, json } = await project()
  await jobmaster('insert', 'cool.bar', 'b=1', 'c=x')
  await jobmaster('run')
  expect(await jobmaster('prune')).toMatchObject({ code: 2 })
  expect(await json('prune', '--completed', '0 seconds')).toEqual({ pruned: 2 })
  expect((await jobmaster('graph')).stdout).toMatch(
    /cool\.bar\n {2}needs cool\.foo within 2 h, a = 1, b same as b: fresh for/,
  )
})

test('the graph is drawn as a list, as Mermaid and as an SVG', { timeout }, async () => {
  const { jobmaster, json } = await project()
  expect((await json('graph')).dependencies).toMatchObject([{ task: 'cool.bar', target: 'cool.foo' }])
  expect((await jobmaster('graph', '--mermaid')).stdout).toMatch(
    /^flowchart LR\n[^]*task2 -->\|"within 2 h<br>never completed"\| task0\n/,
  )
  const { stdout } = await jobmaster('graph', '--svg')
  expect(stdout).toMatch(/^<svg [^]*cool\.bar needs cool\.foo, within 2 h: never completed[^]*<\/svg>\n$/)
})

test('run --for goes on for so long, and takes what comes meanwhile', { timeout }, async () => {
  const { jobmaster, start } = await project()
  const running = start(['run', '--for', '6s', '--json'])
  await running.said('node-postgres')
  await jobmaster('insert', 'cool.foo', 'a=1', 'b=1')
  const { code, stdout } = await running.ended
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ stopReason: 'deadline', completed: 1 })
})

test('status --watch tells again each second, until it is interrupted', { timeout }, async () => {
  const { start } = await project()
  const watching = start(['status', '--watch', '--json'])
  await watching.said(/\n.*\n.*\n/)
  watching.process.kill('SIGINT')
  const { stdout } = await watching.ended
  for (const line of stdout.trim().split('\n')) expect(JSON.parse(line).jobs).toMatchObject({ waiting: 0 })
})

test('a group is shown, and jobs are inserted after it, and once by their key', { timeout }, async () => {
  const { jobmaster, json } = await project()
  const first = await json('insert', 'cool.foo', 'a=1', 'b=ALL')
  expect(await json('group', String(first.id))).toMatchObject({ status: 'open', total: 1, counts: { waiting: 1 } })
  const after = await json('insert', 'cool.foo', 'a=2', 'b=1', '--after', `#${first.id}`, '--if-failed', 'run')
  expect(after).toMatchObject({ status: 'blocked' })
  expect((await jobmaster('explain', String(after.id))).stdout).toContain(
    `waits for group ${first.id}: 1 of 1 job left`,
  )
  const once = ['insert', 'cool.foo', 'a=3', 'b=1', '--unique-key', 'k']
  const { id } = await json(...once)
  expect(await json(...once)).toMatchObject({ id, existing: true })
  expect((await jobmaster(...once)).stdout).toContain(`there already cool.foo #${id}: waiting`)
  expect(await json('run')).toMatchObject({ completed: 5 })
  expect((await jobmaster('group', String(first.id))).stdout).toMatch(
    new RegExp(`^group ${first.id}: completed, 3 of 3 jobs ended, .*\n {2}completed 3\n`),
  )
  expect((await json('list', '--group', String(first.id))).jobs.length).toBeGreaterThan(0)
  expect(await jobmaster('group', '999')).toMatchObject({ code: 1, stderr: 'error: there is no group 999\n' })
  expect(await jobmaster('group', 'x')).toMatchObject({ code: 2 })
  expect(await jobmaster(...once, '--if-failed', 'run')).toMatchObject({ code: 2 })
})
