import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type BuildOptions } from 'esbuild'
import { inject, onTestFinished } from 'vitest'
import { startNeon } from '../../support/neon.ts'
import { platform } from '../reference.ts'

/** Where `npm run test:runtimes` has put a runtime. */
export function fetched(runtime: string, path: string): string {
  return join(process.env.JOBMASTER_TEST_RUNTIMES ?? '', runtime, 'node_modules', path)
}

/** One of servers/, in one file: as a platform's bundler makes it, from the sources. */
export async function bundle(server: string, options: BuildOptions = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jobmaster-runtime-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const outfile = join(folder, 'server.mjs')
  const { conditions = [], ...rest } = options
  await build({
    entryPoints: [fileURLToPath(new URL(`../servers/${server}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2023',
    conditions: ['jobmaster-source', ...conditions],
    external: ['pg-native', 'cloudflare:sockets', 'node:*'],
    logLevel: 'error',
    ...rest,
  })
  return outfile
}

/** For bundles that run on Node's own modules: `pg` is CommonJS, and asks for them by `require`. */
export const forNode: BuildOptions = {
  platform: 'node',
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
}

/** A deployed database as at Neon, and the local server that answers for it. */
export async function neonPlatform() {
  const made = await platform()
  const neon = await startNeon(inject('postgresUrl'))
  onTestFinished(() => neon.stop())
  const url = new URL(made.url)
  url.hostname = 'ep-test-000000.eu-central-1.aws.neon.tech'
  url.port = ''
  const statements = neon.statementsOf(url.pathname.slice(1))
  return { ...made, neon, statements, env: { ...made.env, DATABASE_URL: url.href, NEON_PORT: String(neon.port) } }
}

/** Starts a program, and waits until it prints where it listens. It is ended when the test is. */
export async function start(command: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(command, args, { env: { PATH, HOME, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await ended
  })
  let printed = ''
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += String(chunk)
      const [url] = /http:\/\/[\w.:[\]]+\d/.exec(printed) ?? []
      if (url) resolve(url)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', reject)
    void ended.then(() => reject(new Error(`${command} ended before it listened:\n${printed}`)))
  })
}
