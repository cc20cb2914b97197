import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { drizzle } from 'drizzle-orm/pglite'
import { createJobMaster, task } from 'jobmaster'
import { fromEnv, type FromEnvOptions } from 'jobmaster/from-env'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fromEnv as fromEnvOnEdge } from '../../src/from-env-edge.ts'
import { atNeon, newDatabase } from './open.ts'

const cool = { foo: task({ params: {}, run: () => ({}) }) }

describe('fromEnv', () => {
  test.each([
    [{}, 'neon-http'],
    [{ neon: 'http' }, 'neon-http'],
    [{ neon: 'websocket' }, 'neon-websocket'],
  ] as const)('opens a Neon host, given %o, over %s, and runs jobs there', async (options, driver) => {
    const { url } = await newDatabase()
    const { opened, said } = await open({ DATABASE_URL: atNeon(url) }, options)
    expect(opened.driver).toBe(driver)
    expect(said).toEqual([expect.stringMatching(`^jobmaster: ${driver}, as DATABASE_URL is at ep-.*neon.tech/test_`)])
    await runsAJob(opened)
  })

  test('opens any other host over node-postgres, and runs jobs there', async () => {
    const { url } = await newDatabase()
    const { opened, said } = await open({ DATABASE_URL: url })
    expect(opened.driver).toBe('node-postgres')
    expect(said).toEqual([expect.stringMatching('^jobmaster: node-postgres, as DATABASE_URL is at 127.0.0.1:')])
    await runsAJob(opened)
  })

  test('does not take a host for Neon that only has its name in it', async () => {
    const { opened } = await open({ DATABASE_URL: 'postgres://user:secret@neon.tech.example.com/db' })
    expect(opened.driver).toBe('node-postgres')
  })

  test('never shows the password', async () => {
    const { opened, said } = await open({ DATABASE_URL: 'postgres://user:secret@ep-x.eu.aws.neon.tech/db' })
    expect(JSON.stringify([said, opened.picked])).not.toContain('secret')
    const unencoded = ['postgres://user:12/secret@host/db', 'postgres://user:12#secret@host/db']
    for (const wrong of [
      'mysql://user:secret@host/db',
      'postgres://user:sec%ret@ho st/db',
      'user:secret',
      ...unencoded,
    ]) {
      const refused = await fromEnv({ DATABASE_URL: wrong }).catch((error: Error) => error)
      expect(refused).toMatchObject({ message: expect.stringContaining('DATABASE_URL is not a connection string') })
      expect(String(refused)).not.toContain('sec')
    }
  })

  test.each([{}, { DATABASE_URL: '' }, { DATABASE_URL: ' ' }])(
    'names the variable where there is none: %o',
    async (env) => {
      await expect(fromEnv(env)).rejects.toThrow('DATABASE_URL is not set')
    },
  )

  test('opens the embedded database in development, where the variable is not set', async () => {
    const db = drizzle.mock()
    const embedded = async () => ({ db, close: async () => {} })
    const { opened, said } = await open({ NODE_ENV: 'development' }, { embedded })
    expect(opened.db).toBe(db)
    expect(opened.driver).toBe('embedded')
    expect(said).toEqual(['jobmaster: the embedded Postgres, as DATABASE_URL is not set'])
  })

  test('opens no embedded database in production, nor where the variable is set', async () => {
    const embedded = () => expect.unreachable('it was opened')
    await expect(fromEnv({ NODE_ENV: 'production' }, { embedded })).rejects.toThrow('DATABASE_URL is not set')
    const { opened } = await open({ DATABASE_URL: 'postgres://user:secret@127.0.0.1/db' }, { embedded })
    expect(opened.driver).toBe('node-postgres')
  })

  test('on edge opens Neon, and says what to do about any other host', async () => {
    const { url } = await newDatabase()
    const opened = await fromEnvOnEdge({ DATABASE_URL: atNeon(url) }, { log: () => {} })
    await runsAJob(opened)
    await expect(fromEnvOnEdge({ DATABASE_URL: url })).rejects.toThrow(/not at Neon.*use a Neon database/)
  })

  test.each([
    ['pg', 'postgres://user:secret@127.0.0.1/db'],
    ['@neondatabase/serverless', 'postgres://user:secret@ep-x.eu.aws.neon.tech/db'],
  ])('says to install %s where it is missing', async (name, url) => {
    const error = await whereNoDriverIsInstalled(url)
    expect(error).toContain(`DATABASE_URL needs the package ${name}, which could not be loaded: npm install ${name}`)
  })
})

async function open(env: object, options: FromEnvOptions = {}) {
  const said: string[] = []
  const opened = await fromEnv(env, { log: (line) => said.push(line), ...options })
  onTestFinished(() => opened.close())
  return { opened, said }
}

async function runsAJob({ db, close }: Awaited<ReturnType<typeof fromEnv>>): Promise<void> {
  const jobs = createJobMaster({ db, close, tasks: { cool } })
  await jobs.deploy()
  await jobs.insert(cool.foo, {})
  const report = await jobs.runUntilEmpty(new Date(Date.now() + 10_000))
  expect(report.completed).toBe(1)
  await jobs.close()
}

/** The library's source beside its required peers alone, in a process of its own. */
async function whereNoDriverIsInstalled(url: string): Promise<string> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const folder = await mkdtemp(join(tmpdir(), 'jobmaster-no-driver-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await cp(join(root, 'src'), join(folder, 'src'), { recursive: true })
  for (const name of ['drizzle-orm', 'valibot']) {
    await cp(join(root, `node_modules/${name}`), join(folder, `node_modules/${name}`), { recursive: true })
  }
  const program = `
    import { fromEnv } from './src/from-env.ts'
    await fromEnv().catch((error) => console.log(error.message))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: url },
  })
  return stdout
}
