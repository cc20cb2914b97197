import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { dataFolder } from '../../src/cli/embedded-server.ts'
import { command, emptyProject, type Running } from './project.ts'

const timeout = 180_000

test(
  'dev brings a Postgres, deploys, runs what is inserted, serves, and goes by the new code after a change',
  { timeout },
  async () => {
    const folder = await emptyProject()
    onTestFinished(() => rm(dataFolder(join(folder, '.jobmaster')), { recursive: true, force: true, maxRetries: 5 }))
    const inFolder = (...args: string[]) => command(folder, args).ended
    expect((await inFolder('init', '--platform', 'node', '--no-install')).code).toBe(0)
    const dev = command(folder, ['dev', '--port', '0', '--json'])
    await dev.said('"event":"listening"')

    // Another terminal finds the same database.
    expect((await inFolder('insert', 'hello.greet', 'name=you')).code).toBe(0)
    const job = await eventOf(dev, 'job')
    expect(job).toMatchObject({ task: 'hello.greet', status: 'completed' })
    const { url } = await eventOf(dev, 'listening')
    const shown = await fetch(`${String(url)}/jobs/${String(job.id)}`)
    expect(await shown.json()).toMatchObject({ result: { greeting: 'Hello you' } })

    const page = await fetch(`${String(url)}/dashboard`)
    expect(page.headers.get('content-type')).toContain('text/html')

    const tasks = join(folder, 'functions/tasks/hello.ts')
    const source = await readFile(tasks, 'utf8')
    await writeFile(tasks, source + slow)
    await dev.said('"added":["hello.slow"]')
    await dev.said(/"listening"[^]*"listening"/)

    // What cannot be loaded is said, and the next change is waited for.
    await writeFile(tasks, 'this is no TypeScript')
    await dev.said('could not be loaded')
    await writeFile(tasks, source + slow)
    await dev.said(/"listening"[^]*"listening"[^]*"listening"/)

    // Ctrl-C finishes what runs, and its database is there until then.
    expect((await inFolder('insert', 'hello.slow')).code).toBe(0)
    await dev.said('slow began')
    dev.process.kill('SIGINT')
    const { code, stdout } = await dev.ended
    expect(code).toBe(130)
    expect(stdout).toMatch(/"task":"hello\.slow","status":"completed"/)
  },
)

const slow = `
export const slow = task({
  params: {},
  async run() {
    console.log('slow began')
    await new Promise((resolve) => setTimeout(resolve, 2000))
  },
})
`

/** The first event of that name. */
async function eventOf(running: Running, name: string): Promise<Record<string, unknown>> {
  await running.said(`"event":"${name}"`)
  const line = running
    .stdout()
    .split('\n')
    .find((text) => text.includes(`"event":"${name}"`))
  return JSON.parse(line ?? '')
}
