// Runs what a page's shell block names, as far as that can be run here: `stand-in.ts <command> …arguments`. What is
// JobMaster's own, and tools that are installed, are the real ones; what would fetch packages or needs an account at a
// vendor is held against what there is.
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

const root = fileURLToPath(new URL('../..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const fromSources = '--conditions=jobmaster-source'

async function run(name: string, given: string[]): Promise<number> {
  switch (name) {
    case 'npx':
      return run(given[0] ?? '', given.slice(1))
    case 'npm':
      return npm(given)
    case 'node':
      return given[0] === 'server.ts' ? serve(given) : real([fromSources, ...given])
    case 'jobmaster':
      return jobmaster(given)
    case 'drizzle-kit':
      return real([join(root, 'node_modules/drizzle-kit/bin.cjs'), ...given])
    case 'esbuild':
      return real([...given, fromSources], join(root, 'node_modules/esbuild/bin/esbuild'))
    case 'vitest':
      return vitest(given)
    case 'psql':
      return psql(given)
    default:
      return vendor(name, given)
  }
}

function real(given: string[], file = process.execPath): Promise<number> {
  const child = spawn(file, given, { stdio: 'inherit' })
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)))
}

/** `dev` is ended, as by Ctrl-C, once it serves. */
async function jobmaster(given: string[]): Promise<number> {
  const main = [fromSources, join(root, 'src/cli/main.ts'), ...given]
  if (given[0] !== 'dev') return real(main)
  const child = spawn(process.execPath, main, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk)
      if (said.includes('http://')) child.kill('SIGINT')
    })
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return said.includes('http://') && code === 130 ? 0 : refuse(`dev ended with ${code}: ${said}`)
}

/** A server goes on behind the block, until the test ends it. */
async function serve(given: string[]): Promise<number> {
  const child = spawn(process.execPath, [fromSources, ...given], { stdio: 'ignore' })
  child.unref()
  for (let tries = 0; tries < 200; tries += 1) {
    const listens = await new Promise<boolean>((resolve) => {
      const socket = connect(Number(process.env.DOCS_PORT), '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (listens) return 0
    await sleep(50)
  }
  return refuse('the server does not listen')
}

function npm(given: string[]): number {
  const [verb = '', ...rest] = given
  if (verb === 'run' && !(rest[0] ?? '' in manifest.scripts)) return refuse(`there is no script ${rest[0]}`)
  if (['start', 'test'].includes(verb)) return verb in manifest.scripts ? 0 : refuse(`there is no script ${verb}`)
  if (verb === 'install') {
    const known = { jobmaster: '', ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.devDependencies }
    const names = rest.filter((one) => !one.startsWith('-')).map((one) => one.replace(/(?<=.)@.*/, ''))
    const unknown = names.filter((one) => !(one in known))
    return unknown.length === 0 ? 0 : refuse(`it says to install what is none of ours: ${unknown.join(', ')}`)
  }
  return ['ci', 'init', 'pkg', 'run'].includes(verb) ? 0 : refuse(`npm ${verb} is not known here`)
}

/** `psql "$DATABASE_URL" -c '…'`, where there is none. */
async function psql([url = '', flag = '', text = '']: string[]): Promise<number> {
  if (!/^-(At)?c$/.test(flag)) return refuse(`psql ${flag} is not known here`)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query({ text, rowMode: 'array' }).finally(() => client.end())
  for (const row of rows) console.log(row.join('|'))
  return 0
}

/** What it would run has to be there. */
function vitest(given: string[]): number {
  const paths = given.filter((one) => one.startsWith('test/'))
  const missing = paths.filter((one) => !existsSync(join(root, one)))
  return missing.length === 0 && paths.length > 0 ? 0 : refuse(`there are no ${missing.join(', ')}`)
}

/**
 * By their documentation: https://developers.cloudflare.com/workers/wrangler/commands, https://vercel.com/docs/cli,
 * https://cli.netlify.com, https://docs.deno.com/runtime/reference/cli/deploy,
 * https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-reference.html
 */
const known: Record<string, RegExp[]> = {
  wrangler: [/^(login|deploy|tail)$/, /^secret put [A-Z_]+$/],
  vercel: [/^link$/, /^env add [A-Z_]+ production$/, /^deploy --prod$/],
  'netlify-cli': [/^(login|init)$/, /^env:set [A-Z_]+ \S+$/, /^deploy --build --prod$/, /^logs:function [\w-]+$/],
  deno: [/^serve( --allow-(net|env|read))+ main\.ts$/, /^deploy( create| --prod)$/, /^deploy env add [A-Z_]+ \S+$/],
  sam: [
    /^deploy --stack-name \S+ --resolve-s3 --capabilities CAPABILITY_IAM --parameter-overrides( [A-Z]\w+=\S+)+$/,
    /^logs --stack-name \S+ --tail$/,
  ],
}

/** What is to be kept secret comes by stdin, and is something. */
async function vendor(name: string, given: string[]): Promise<number> {
  let piped = ''
  for await (const chunk of process.stdin) piped += String(chunk)
  const line = given.join(' ')
  if (!known[name]?.some((form) => form.test(line))) return refuse(`${name} ${line} is not known here`)
  if (/^(secret put|env add)/.test(line) && piped.trim() === '') return refuse(`${name} ${line} is given nothing`)
  return 0
}

/** Also where the block goes on after it. */
function refuse(why: string): number {
  appendFileSync(join(process.env.DOCS_FOLDER ?? '', 'refused'), `${why}\n`)
  return 1
}

const [command = '', ...args] = process.argv.slice(2)
process.exitCode = await run(command, args)
