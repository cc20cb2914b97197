import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify, stripVTControlCharacters } from 'node:util'
import { createJobMaster } from 'jobmaster'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { createDatabase } from '../support/database.ts'
import { type Block, blocksOf, printedBy } from './page.ts'
import * as cool from './given/tasks/cool.ts'
import * as mail from './given/tasks/mail.ts'
import { nightly } from './given/tasks/nightly.ts'
import * as things1 from './given/tasks/things1.ts'

// Every code block of the pages is run: files are written where they say, others in turn, on a database where the tasks
// that they speak of are deployed and a job #42 waits. What a console.log says that it prints, it has to print.

const root = fileURLToPath(new URL('../..', import.meta.url))
const given = fileURLToPath(new URL('given', import.meta.url))
/** Pages whose blocks are run elsewhere: roles by test/security, platforms by test/guides.test.ts, declarations by tsc. */
const elsewhere = ['docs/security.md', 'docs/platforms', 'docs/api.md']

const pages = ['README.md', ...(await readdir(join(root, 'docs'), { recursive: true })).map((name) => `docs/${name}`)]
  .filter((page) => page.endsWith('.md') && !elsewhere.some((start) => page.startsWith(start)))
  .toSorted()
const written = await Promise.all(pages.map(async (page) => ({ page, blocks: await blocksOf(join(root, page)) })))

test.each(written.filter(({ blocks }) => blocks.some(({ language }) => language === 'ts')))(
  'the TypeScript of $page is without an error, and prints what it says',
  async ({ page, blocks }) => {
    const folder = await folderFor()
    const code = blocks.filter(({ language }) => language === 'ts')
    const files = code.filter(({ path }) => path !== undefined)
    for (const { path, text } of files) {
      await mkdir(dirname(join(folder, path!)), { recursive: true })
      await writeFile(join(folder, path!), text)
    }
    const snippets = code.filter(({ path }) => path === undefined)
    for (const block of snippets) await writeFile(join(folder, nameOf(block)), withGiven(block.text))
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
    expect(await output(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], folder)).toBe(
      '',
    )

    for (const run of files.filter(({ path }) => path === 'run.ts')) {
      const url = await deployed()
      await inDatabase(url, tables)
      expect(await printed(folder, 'run.ts', url), `${page}:${run.line}`).toEqual(said(run.text))
    }
    const url = await deployed()
    await inDatabase(url, tables)
    for (const block of snippets.filter(({ text }) => !text.includes("from 'vitest'"))) {
      await jobNumber42(url)
      const lines = await printed(folder, nameOf(block), url)
      if (block.text.includes("from 'node:test'")) expect(lines).toContain('ℹ fail 0')
      else expect(lines, `${page}:${block.line}`).toEqual(said(block.text))
    }
    if (snippets.some(({ text }) => text.includes("from 'vitest'"))) {
      const vitest = join(root, 'node_modules/vitest/vitest.mjs')
      expect(
        await output(process.execPath, [vitest, 'run', '--root', folder, '--config', 'vitest.config.mts'], folder),
      ).toContain(' passed')
    }
  },
  120_000,
)

test.each(written.filter(({ blocks }) => blocks.some(({ language }) => language === 'sql')))(
  'the SQL of $page runs',
  async ({ page, blocks }) => {
    const url = await deployed()
    for (const { text, line } of blocks.filter(({ language }) => language === 'sql')) {
      await jobNumber42(url)
      await expect(inDatabase(url, text), `${page}:${line}`).resolves.toBeDefined()
    }
  },
  60_000,
)

/** Below the root, so that `jobmaster` is the package itself there. */
async function folderFor(): Promise<string> {
  await mkdir(join(root, '.jobmaster'), { recursive: true })
  const folder = await mkdtemp(join(root, '.jobmaster/docs-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await cp(given, folder, { recursive: true })
  // Here, and not among the given files: it is one declaration for a whole program.
  await writeFile(
    join(folder, 'register.ts'),
    "import type { db } from './db.ts'\ndeclare module 'jobmaster' { interface Register { db: typeof db } }\n",
  )
  const conditions = JSON.stringify(['jobmaster-source', 'node'])
  await writeFile(
    join(folder, 'vitest.config.mts'),
    `export default { resolve: { conditions: ${conditions} }, ssr: { resolve: { conditions: ${conditions}, externalConditions: ${conditions} } }, test: { include: ['block-*.test.ts'] } }`,
  )
  return folder
}

/** What given.ts exports. */
const givenNames = [
  'v',
  'eq',
  'createJobMaster',
  'dependsOn',
  'same',
  'schedule',
  'task',
  'orders',
  'receipts',
  'cool',
  'db',
  'mail',
  'tasks',
  'jobs',
  'charge',
]

function nameOf({ line, text }: Block): string {
  return `block-${line}${text.includes("from 'vitest'") ? '.test' : ''}.ts`
}

/** With imports for what the block uses and does not say where it is from. */
function withGiven(text: string): string {
  const names = givenNames.filter(
    (name) =>
      new RegExp(`(?<![.\\w'"])${name}\\b(?!:)`).test(text) &&
      !new RegExp(`(import|const|function) [^;=(\\n]*\\b${name}\\b`).test(text),
  )
  return `${names.length > 0 ? `import { ${names.join(', ')} } from './given.ts'\n` : ''}${text}\nexport {}\n`
}

/** The application's own, of given/schema.ts and of a recipe. */
const tables = `
  create table orders (id bigint primary key, paid boolean not null default false);
  create table receipts (id bigint primary key);
  create table sent (job bigint primary key, address text not null, at timestamptz not null default now())`

async function deployed(): Promise<string> {
  const database = await createDatabase()
  onTestFinished(database.drop)
  const pool = new pg.Pool({ connectionString: database.url })
  const tasks = { cool: { ...cool, nightly }, mail, things1 }
  await createJobMaster({ db: drizzle({ client: pool }), tasks }).deploy()
  await pool.end()
  return database.url
}

/** Most pages take it as their example. */
function jobNumber42(url: string) {
  return inDatabase(
    url,
    `truncate jobmaster.jobs, jobmaster.job_keys, jobmaster.blockers, jobmaster.attempts, jobmaster.groups, jobmaster.group_waits;
     alter table jobmaster.jobs alter id restart with 42;
     select jobmaster.enqueue('cool', 'bar', '{"b": 2, "c": "x"}')`,
  )
}

async function inDatabase(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client.query(text).finally(() => client.end())
}

async function printed(folder: string, file: string, url: string): Promise<string[]> {
  const text = await output(process.execPath, ['--conditions=jobmaster-source', file], folder, { DATABASE_URL: url })
  return text.split('\n').filter(Boolean).map(unquoted)
}

function said(text: string): string[] {
  return printedBy(text).map(unquoted)
}

/** `1 'empty'` in a comment is `1 empty` on a terminal. */
function unquoted(line: string): string {
  return line.replaceAll(/['"]/g, '')
}

async function output(command: string, args: string[], cwd: string, env: Record<string, string> = {}): Promise<string> {
  const run = promisify(execFile)(command, args, { cwd, env: { ...process.env, NODE_NO_WARNINGS: '1', ...env } })
  return run.then(
    ({ stdout }) => stripVTControlCharacters(stdout),
    (error: { stdout: string; stderr: string }) => `${error.stdout}${error.stderr}`,
  )
}

const tsconfig = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable', 'dom', 'dom.iterable', 'dom.asynciterable'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    customConditions: ['jobmaster-source'],
    jsx: 'react-jsx',
    jsxImportSource: 'hono/jsx',
  },
}
