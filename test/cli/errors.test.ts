import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { command, emptyProject, project } from './project.ts'

const timeout = 120_000

test('what is unknown is refused with the nearest, and ends with 2', { timeout }, async () => {
  const { jobmaster } = await project()
  expect(await jobmaster('isnert')).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean insert?') })
  expect(await jobmaster('list', '--statsu', 'x')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Did you mean --status?'),
  })
  for (const args of [
    ['insert', 'cool.fooo', 'a=1'],
    ['pause', 'foo'],
    ['list', '--task', 'cool.fo'],
  ]) {
    const { code, stderr } = await jobmaster(...args)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('(did you mean cool.foo?)') })
    expect(stderr.trim().split('\n')).toHaveLength(1)
  }
})

test(
  'an error is one line with the next step, JSON where that is asked for, and its cause with --verbose',
  { timeout },
  async () => {
    const { start, jobmaster } = await project({ deploy: false })
    const undeployed = await jobmaster('list')
    expect(undeployed).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^error: .*run `jobmaster deploy`.*\n$/),
    })

    const env = { DATABASE_URL: 'postgres://127.0.0.1:1/none' }
    const line = await start(['status'], env).ended
    expect(line).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: .*ECONNREFUSED.*check DATABASE_URL.*\n$/),
    })
    const asJson = await start(['status', '--json'], env).ended
    expect(JSON.parse(asJson.stderr)).toMatchObject({ error: { message: expect.stringContaining('ECONNREFUSED') } })
    const verbose = await start(['status', '--verbose'], env).ended
    expect(verbose.stderr).toMatch(/because: .*ECONNREFUSED/)
  },
)

test('an entry that is missing, broken or exports no jobs is named', { timeout }, async () => {
  const folder = await emptyProject()
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/none' }
  const status = (...args: string[]) => command(folder, ['status', ...args], env).ended
  expect(await status()).toMatchObject({ code: 2, stderr: expect.stringContaining('jobmaster init') })
  expect(await status('--entry', 'no.ts')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no no.ts'),
  })

  await writeFile(join(folder, 'jobs.ts'), 'export const other = 1')
  expect(await status('--entry', 'jobs.ts')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('jobs.ts exports no jobs'),
  })
  await writeFile(join(folder, 'jobs.ts'), "import 'nowhere-to-be-found'")
  const broken = await status('--entry', 'jobs.ts')
  expect(broken).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/jobs\.ts could not be loaded: .*nowhere-to-be-found.*\n$/),
  })
  await writeFile(join(folder, 'jobs.ts'), 'export const openJobs = () => 1')
  expect(await status('--entry', 'jobs.ts')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('openJobs of jobs.ts returned no jobs'),
  })
})

test('an entry is an instance or a factory, and what Node cannot read is compiled', { timeout }, async () => {
  const { folder, json } = await project()
  await rm(join(folder, 'functions/jobs.ts'))
  await writeFile(
    join(folder, 'jobs.ts'),
    `import { drizzle } from 'drizzle-orm/node-postgres'
     import { createJobMaster } from 'jobmaster'
     import * as cool from './functions/tasks/cool'
     enum Schema { Name = 'jobmaster' }
     export const jobs = createJobMaster({ db: drizzle(process.env.DATABASE_URL!), schema: Schema.Name, tasks: { cool } })`,
  )
  expect((await json('tasks', '--entry', 'jobs.ts')).tasks).toHaveLength(4)
})
