/** Goes the way of a new user, from an empty folder and the packed tarball, and writes the transcript to docs/first-minutes.md. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { dataFolder } from '../src/cli/embedded-server.ts'
import { fetchRuntime } from './runtimes.ts'

interface Step {
  title: string
  command: string
  output: string
  seconds: number
}

const root = fileURLToPath(new URL('..', import.meta.url))
const wrangler = fetchRuntime('wrangler')
const parent = mkdtempSync(join(tmpdir(), 'first-minutes-'))
const folder = join(parent, 'my-jobs')
mkdirSync(folder)
// The embedded Postgres of a root user is another user's process.
chmodSync(parent, 0o755)
// Where npx finds wrangler without fetching it again.
symlinkSync(join(wrangler, 'node_modules'), join(parent, 'node_modules'))

const steps: Step[] = []
const running: ChildProcess[] = []
const { DATABASE_URL, NO_COLOR, FORCE_COLOR, ...inherited } = process.env
const env: NodeJS.ProcessEnv = { ...inherited, CI: 'true', WRANGLER_SEND_METRICS: 'false' }

try {
  await packed()
  await step('A project', 'npm init -y && npm pkg set type=module && npm install ../jobmaster.tgz', 'quiet')
  await step('JobMaster in it', 'npx jobmaster init --platform cloudflare --database postgres')
  await background('Run it here', 'npx jobmaster dev', /JobMaster http:.*\n.*\n/)
  await step('A first job, from another terminal', 'npx jobmaster insert hello.greet name=you')
  await until('npx jobmaster show 1', /completed/)
  await step('What became of it', 'npx jobmaster show 1')
  await step(
    'The dashboard, which a browser shows at the same address',
    'curl -s http://127.0.0.1:3000/dashboard/jobs/1 | grep -oE "<h1>[^<]*|badge completed"',
  )

  env.CRON_SECRET = secretOf('CRON_SECRET')
  env.CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_HYPERDRIVE = databaseUrl()
  await step('Leave the next job to the Worker', 'npx jobmaster pause --system default')
  await background(
    'The Worker, in a local workerd, on the same Postgres',
    'npx wrangler dev --ip 127.0.0.1 --port 8787 --var JOBMASTER_SYSTEM:edge',
    /Ready on/,
  )
  await step('A job for it', 'npx jobmaster insert hello.greet name=Worker')
  await step(
    'Its drain, which its cron trigger starts each minute',
    'curl -s -X POST -H "Authorization: Bearer $CRON_SECRET" http://127.0.0.1:8787/jobs/drain',
  )
  await step('It ran there', 'npx jobmaster list')
  check()
  writeFileSync(join(root, 'docs/first-minutes.md'), page())
  console.log(`docs/first-minutes.md: ${steps.length} steps in ${total()} s`)
} finally {
  for (const child of running) await ended(child)
  rmSync(dataFolder(join(folder, '.jobmaster')), { recursive: true, force: true, maxRetries: 10, retryDelay: 500 })
  rmSync(parent, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 })
}

async function packed(): Promise<void> {
  await shell(
    'npm pack --silent --pack-destination "$PARENT" && mv "$PARENT"/jobmaster-*.tgz "$PARENT"/jobmaster.tgz',
    root,
    {
      ...env,
      PARENT: parent,
    },
  )
}

/** One command to its end. */
async function step(title: string, command: string, output: 'shown' | 'quiet' = 'shown'): Promise<void> {
  const began = performance.now()
  const said = await shell(command, folder, env)
  record({ title, command, output: output === 'quiet' ? '' : said, seconds: (performance.now() - began) / 1_000 })
}

/** A command that goes on, once it has said that it is ready. */
async function background(title: string, command: string, ready: RegExp): Promise<void> {
  const began = performance.now()
  const child = spawn(command, { cwd: folder, env, shell: true, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  running.unshift(child)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      said += String(chunk)
      if (ready.test(stripVTControlCharacters(said))) resolve()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('exit', () => reject(new Error(`${command} ended: ${said}`)))
  })
  record({ title, command: `${command} &`, output: said, seconds: (performance.now() - began) / 1_000 })
}

async function until(command: string, wanted: RegExp): Promise<void> {
  for (let tries = 0; tries < 30; tries += 1) if (wanted.test(await shell(command, folder, env))) return
  throw new Error(`${command} never said ${wanted}`)
}

function shell(command: string, cwd: string, environment: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { cwd, env: environment, shell: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stdout.on('data', (chunk) => (said += String(chunk)))
    child.stderr.on('data', (chunk) => (said += String(chunk)))
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve(said) : reject(new Error(`${command} ended with ${code}: ${said}`)),
    )
  })
}

/** Ctrl-C, as from its terminal: to all of its group. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return
  const over = new Promise((resolve) => child.once('exit', resolve))
  process.kill(-child.pid, 'SIGINT')
  await over
}

function secretOf(name: string): string {
  const [, secret] = new RegExp(`^${name}=(\\w+)$`, 'm').exec(readFileSync(join(folder, '.env'), 'utf8')) ?? []
  if (!secret) throw new Error(`init wrote no ${name}`)
  return secret
}

function databaseUrl(): string {
  return JSON.parse(readFileSync(join(folder, '.jobmaster/postgres.json'), 'utf8')).url
}

function record(done: Step): void {
  steps.push(done)
  console.log(`${done.seconds.toFixed(1).padStart(6)} s  $ ${done.command}`)
}

/** What the page promises. */
function check(): void {
  const drained = steps.find(({ command }) => command.includes('/jobs/drain'))
  const { completed, stopReason } = JSON.parse(drained?.output ?? '{}')
  if (completed !== 1 || stopReason !== 'empty') throw new Error(`the Worker did not run the job: ${drained?.output}`)
}

function total(): number {
  return Math.round(steps.reduce((sum, { seconds }) => sum + seconds, 0))
}

function page(): string {
  return [
    '# The first minutes',
    '',
    '<!-- Written by `npm run first-minutes`, which does all of this. Do not edit. -->',
    '',
    'From an empty folder and the packed package to a job that a Worker ran, as a new user would go: what was typed, what was',
    `said, and how long each step took, ${total()} seconds in all. The machine has two cores, and packages come from a cache near by.`,
    '',
    ...steps.flatMap(({ title, command, output, seconds }, index) => [
      `## ${index + 1}. ${title} (${seconds.toFixed(1)} s)`,
      '',
      '```console',
      `$ ${command}`,
      ...cleaned(output),
      '```',
      '',
    ]),
  ].join('\n')
}

/** Without what is another's on each machine, and no line of a progress that was painted over. */
function cleaned(output: string): string[] {
  return stripVTControlCharacters(output)
    .replaceAll(folder, '~/my-jobs')
    .replaceAll(parent, '~')
    .replace(/postgres:\/\/postgres:\w+@127\.0\.0\.1:\d+/g, 'postgres://…@127.0.0.1')
    .replace(/127\.0\.0\.1:\d{5}/g, '127.0.0.1:…')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter(
      (line) =>
        line && !/^npm (warn|notice)|funding|^found 0|audited|looking for|Request.cf|ENOTFOUND|GetAddrInfo/.test(line),
    )
}
