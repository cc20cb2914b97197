import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Cron } from 'croner'
import { expect, onTestFinished, test } from 'vitest'
import { createDatabase } from '../support/database.ts'
import { startNeon } from '../support/neon.ts'
import { blocksOf } from './page.ts'

// Every shell block of the pages is run by bash, with the files that the page says to write, on a database of its own:
// what is JobMaster's or is installed for real, what is a vendor's or npm's against a stand-in that knows their commands.

const root = fileURLToPath(new URL('../..', import.meta.url))
const standIn = fileURLToPath(new URL('stand-in.ts', import.meta.url))
const neonHere = new URL('neon-here.ts', import.meta.url).href
const hasPsql = spawnSync('psql', ['--version']).status === 0
const commands = ['npx', 'npm', 'node', 'jobmaster', 'deno', 'sam', ...(hasPsql ? [] : ['psql'])]

const names = await readdir(join(root, 'docs'), { recursive: true })
const pages = ['README.md', 'CONTRIBUTING.md', 'functions/README.md', ...names.map((name) => `docs/${name}`)]
  .filter((page) => page.endsWith('.md'))
  .toSorted()
const written = await Promise.all(pages.map(async (page) => ({ page, blocks: await blocksOf(join(root, page)) })))
const common = written.find(({ page }) => page === 'docs/platforms/README.md')?.blocks ?? []

/** What a page takes for granted before one of its blocks, by words of that block. */
const before: [page: string, words: string, script: string][] = [
  ['README.md', 'run.ts', 'unset NODE_OPTIONS'],
  ['docs/platforms/README.md', '$URL', 'node server.ts'],
  ['docs/platforms/node.md', 'server.ts', 'node deploy.ts'],
  // Without its own timer, as the page says.
  [
    'docs/platforms/node.md',
    '/drain',
    'psql "$DATABASE_URL" -c "call jobmaster.insert_job(\'hello\', \'greet\', 0, \'{\\"name\\": \\"you\\"}\')"',
  ],
]

/** What has come of it, at the end of a page. */
const after: Record<string, string> = {
  'README.md': `psql "$PLAIN_URL" -Atc "select type_key || '.' || task_key, status from jobmaster.jobs join jobmaster.tasks task on task.id = task_id order by 1"`,
  'docs/cli.md': 'complete -p jobmaster',
  'docs/platforms/README.md': `psql "$DATABASE_URL" -Atc "select result ->> 'greeting' from jobmaster.jobs"`,
  'docs/platforms/node.md': `psql "$DATABASE_URL" -Atc "select result ->> 'greeting' from jobmaster.jobs"`,
  'docs/platforms/vercel.md': `node -e "import('./api/jobs.mjs').then((made) => console.log(Object.keys(made)))"`,
  'docs/platforms/aws-lambda.md': `node -e "console.log(Object.keys(require('./dist/handler.js')))"`,
}
const shows: Record<string, string> = {
  'README.md': 'hello.greet|waiting\nthings1.foo|completed',
  'docs/cli.md': 'complete -F __jobmaster_complete jobmaster',
  'docs/platforms/README.md': 'Hello you',
  'docs/platforms/node.md': 'Hello you',
  'docs/platforms/vercel.md': "[ 'GET', 'POST' ]",
  'docs/platforms/aws-lambda.md': "[ 'handler' ]",
}

test.each(written.filter(({ blocks }) => blocks.some(({ language }) => language === 'sh')))(
  'the shell commands of $page run',
  async ({ page, blocks }) => {
    const { folder, env } = await place(page)
    const ofPlatforms = page.startsWith('docs/platforms/')
    for (const { path, text } of [...(ofPlatforms ? common : []), ...blocks]) {
      if (path !== undefined) await write(folder, path, local(text, env))
    }
    if (page === 'docs/platforms/README.md') {
      const node = await blocksOf(join(root, 'docs/platforms/node.md'))
      await write(folder, 'server.ts', local(node.find(({ path }) => path === 'server.ts')!.text, env))
    }
    const script = blocks
      .filter(({ language }) => language === 'sh')
      .flatMap(({ text, line }) => [
        `\n# ${page}:${line}`,
        ...before.filter(([of, words]) => of === page && text.includes(words)).map(([, , first]) => first),
        local(text, env).replaceAll(/^((?:[\d*/,-]+ ){5})/gm, (_, times: string) => {
          expect(new Cron(times.trim()).nextRun()).toBeInstanceOf(Date)
          return ''
        }),
      ])
    await writeFile(join(folder, 'page.sh'), ['set -euxo pipefail', ...script, '', after[page] ?? ''].join('\n'))
    const { code, stdout, stderr } = await bash(folder, env)
    expect(await readFile(join(folder, 'refused'), 'utf8').catch(() => '')).toBe('')
    expect(code, `${stdout}\n${stderr}`).toBe(0)
    expect(stdout).toContain(shows[page] ?? '')
  },
  120_000,
)

/** A folder and an environment as somebody has them who has come to this page. */
async function place(page: string): Promise<{ folder: string; env: Record<string, string> }> {
  await mkdir(join(root, '.jobmaster'), { recursive: true })
  // Below the root, where all that an application may install is found.
  const folder = await mkdtemp(join(root, '.jobmaster/shell-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  await write(folder, 'package.json', JSON.stringify({ name: 'my-jobs', private: true, type: 'module' }))
  await mkdir(join(folder, 'node_modules'))
  await symlink(root, join(folder, 'node_modules/jobmaster'))
  for (const name of commands) {
    await write(folder, `bin/${name}`, `#!/bin/sh\nexec '${process.execPath}' '${standIn}' ${name} "$@"\n`)
    await chmod(join(folder, 'bin', name), 0o755)
  }
  const database = await createDatabase()
  onTestFinished(database.drop)
  const neon = await startNeon(database.url)
  onTestFinished(neon.stop)
  const atNeon = new URL(database.url)
  atNeon.hostname = 'ep-cool-1.eu-central-1.aws.neon.tech'
  atNeon.port = ''
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    HOME: folder,
    PLAIN_URL: database.url,
    // The README's first application is at Neon, with fetch alone.
    DATABASE_URL: page === 'README.md' ? atNeon.href : database.url,
    ...(page === 'README.md' && { NODE_OPTIONS: `--import=${neonHere}`, DOCS_NEON: neon.fetchEndpoint }),
    CRON_SECRET: 'the-secret-of-the-drain',
    JOBMASTER_SECRET: 'the-secret-of-the-rest',
    DOCS_PORT: String(await freePort()),
    DOCS_FOLDER: folder,
    NODE_NO_WARNINGS: '1',
  }
  const own = page === 'docs/cli.md' ? {} : { '.env': `DATABASE_URL=${env.DATABASE_URL}\n` }
  for (const [path, text] of Object.entries(own)) await write(folder, path, text)
  return { folder, env: { ...env, URL: `http://127.0.0.1:${env.DOCS_PORT}` } }
}

/** With places of here for those of the page. */
function local(text: string, { PLAIN_URL = '', DOCS_PORT = '', DOCS_FOLDER = '' }: Record<string, string>): string {
  return text
    .replaceAll(/postgres:\/\/user:password@[^\s']+/g, PLAIN_URL)
    .replaceAll('mkdir my-jobs && cd my-jobs && ', '')
    .replaceAll('/srv/my-jobs', DOCS_FOLDER)
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${DOCS_PORT}`)
    .replaceAll('port: 3000', `port: ${DOCS_PORT}`)
    .replaceAll('./node_modules/jobmaster/dist/schema.js', join(root, 'src/schema.ts'))
}

async function write(folder: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}

async function bash(cwd: string, env: Record<string, string>) {
  const child = spawn('bash', ['page.sh'], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  // All that it has started, where it has not ended by itself.
  onTestFinished(() => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGTERM')
    } catch {
      // It has.
    }
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (stderr += String(chunk)))
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { code, stdout, stderr }
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done))
  const address = probe.address()
  await new Promise((done) => probe.close(done))
  return typeof address === 'object' && address ? address.port : 0
}
