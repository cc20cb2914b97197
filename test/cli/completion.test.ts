import { appendFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { command, emptyProject, project } from './project.ts'

const timeout = 120_000

test('a shell completes commands and options', { timeout }, async () => {
  const folder = await emptyProject()
  const complete = async (...args: string[]) => (await command(folder, ['complete', ...args]).ended).stdout
  expect(await complete('--', 'in')).toMatch(/^init\t.*\ninsert\t/m)
  expect(await complete('--', 'deploy', '--ch')).toContain('--check')
  expect(await complete('bash')).toContain('jobmaster')
})

test('a shell completes the names of what is deployed: tasks, systems and schedules', { timeout }, async () => {
  const { folder, jobmaster } = await project({ deploy: false })
  await appendFile(
    join(folder, 'functions/tasks/cool.ts'),
    "\nimport { schedule } from 'jobmaster'\nexport const nightly = schedule(foo, { a: 1, b: 2 }, { cron: '0 3 * * *' })\nconsole.log('noise')\n",
  )
  const complete = async (...args: string[]) => {
    const { stdout, stderr, code } = await jobmaster('complete', '--', ...args)
    expect([stderr, code]).toEqual(['', 0])
    return stdout.split('\n').flatMap((line) => (/^[:-]|^$/.test(line) ? [] : [line.split('\t')[0]]))
  }
  expect(await complete('insert', '')).toEqual([])
  await jobmaster('deploy')
  expect(await complete('insert', '')).toEqual(expect.arrayContaining(['cool.bar', 'cool.foo']))
  expect(await complete('insert', 'cool.ba')).toEqual(['cool.bar'])
  expect(await complete('--entry', 'functions/jobs.ts', 'pause', 'cool.f')).toEqual(['cool.foo'])
  expect(await complete('list', '--task', 'cool.ba')).toEqual(['cool.bar'])
  expect(await complete('list', '--task=cool.ba')).toEqual(['cool.bar'])
  expect(await complete('retry', '--status', 'fail')).toEqual(['failed'])
  expect(await complete('schedule', 'pause', '')).toEqual(['cool.nightly'])
  await jobmaster('run')
  expect(await complete('resume', '--system', '')).toEqual(['default'])
  expect(await complete('insert', '--entry', 'none.ts', '')).toEqual([])
})

test('a shell is not held up by a database that does not answer', { timeout }, async () => {
  const silent = createServer(() => {})
  onTestFinished(() => void silent.close())
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
  const address = silent.address()
  const { start } = await project({ deploy: false })
  const url = `postgres://nobody@127.0.0.1:${typeof address === 'object' ? address?.port : ''}/none`
  const { stdout, stderr, code } = await start(['complete', '--', 'insert', ''], { DATABASE_URL: url }).ended
  expect([stdout.replace(/^:\d+$/m, '').trim(), stderr, code]).toEqual(['', '', 0])
})
