import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { contextOf } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import { install, installCommand } from '../install.ts'
import type { Output } from '../output.ts'
import { canAsk } from '../question.ts'
import { type DatabaseKind, databases, type Platform, platforms, templateFor } from '../templates.ts'

interface InitFlags {
  platform?: Platform
  database?: DatabaseKind
  install: boolean
}

export function addInit(root: Command): void {
  root
    .command('init')
    .description('add JobMaster to a project: tasks, entry and configuration')
    .argument('[folder]', 'the project', '.')
    .addOption(new Option('--platform <platform>', 'where it runs').choices(platforms))
    .addOption(new Option('--database <database>', 'where the jobs are').choices(databases))
    .option('--no-install', 'only say what to install')
    .action(init)
}

async function init(folder: string, flags: InitFlags, command: Command): Promise<void> {
  const { out } = contextOf(command)
  const project = resolve(folder)
  const { platform, database } = await chosen(flags)
  const template = templateFor(platform, database)

  const written: string[] = []
  const kept: string[] = []
  const write = async (path: string, text: string) => {
    if (await writeNew(join(project, path), text)) written.push(path)
    else kept.push(path)
  }
  await write('package.json', `${JSON.stringify({ name: nameOf(project), private: true, type: 'module' }, null, 2)}\n`)
  for (const [path, text] of Object.entries(template.files)) await write(path, text)
  await write('.env', environment())
  if (await ignore(project, ['.env', '.jobmaster/', 'node_modules/'])) written.push('.gitignore')

  const { packages, developmentPackages } = template
  const commands = await installCommand(project, packages, developmentPackages)
  const missing = commands.length > 0
  if (flags.install && missing) await install(project, commands, out)

  const next = [
    ...(flags.install || !missing ? [] : commands),
    'npx jobmaster dev                             # here, with a Postgres of its own',
    'npx jobmaster insert hello.greet name=you     # from another terminal: a first job',
    'npx jobmaster deploy                          # with DATABASE_URL: tables, functions and tasks',
    ...template.next,
  ]
  out.answer({ platform, database, written, kept, installed: flags.install && missing, next }, () =>
    lines(out, written, kept, next),
  )
}

/** By flags, else by asking; where there is nobody to ask, what needs no account. */
async function chosen({ platform, database }: InitFlags): Promise<{ platform: Platform; database: DatabaseKind }> {
  if (!canAsk()) return { platform: platform ?? 'node', database: database ?? 'postgres' }
  const { isCancel, select } = await import('@clack/prompts')
  const ask = async <T extends string>(message: string, options: { value: T; label: string }[]): Promise<T> => {
    // The library's type of an option is told by the value's, which is open here.
    const answer = await select<string>({ message, options })
    if (isCancel(answer)) throw new Failure('nothing was written', exitCodes.interrupted)
    return answer as T
  }
  return {
    platform:
      platform ??
      (await ask('Where will it run?', [
        { value: 'cloudflare', label: 'Cloudflare Workers' },
        { value: 'vercel', label: 'Vercel' },
        { value: 'netlify', label: 'Netlify' },
        { value: 'aws-lambda', label: 'AWS Lambda' },
        { value: 'deno', label: 'Deno Deploy' },
        { value: 'node', label: 'Node, on a server of your own' },
      ])),
    database:
      database ??
      (await ask('Which Postgres has the jobs?', [
        { value: 'neon', label: 'Neon' },
        { value: 'postgres', label: 'another, or none yet: `dev` brings one' },
      ])),
  }
}

/** What is there is somebody's, and stays. */
async function writeNew(path: string, text: string): Promise<boolean> {
  if (existsSync(path)) return false
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text, { mode: basename(path) === '.env' ? 0o600 : 0o644 })
  return true
}

function environment(): string {
  const secret = () => randomBytes(32).toString('hex')
  return [
    '# Without it, `npx jobmaster dev` brings a Postgres of its own.',
    '# DATABASE_URL=postgres://user:password@host/database',
    '# Opens the drain, and nothing else.',
    `CRON_SECRET=${secret()}`,
    '# Opens everything else.',
    `JOBMASTER_SECRET=${secret()}`,
    '',
  ].join('\n')
}

/** Adds to .gitignore what is missing there. */
async function ignore(project: string, names: readonly string[]): Promise<boolean> {
  const path = join(project, '.gitignore')
  const text = await readFile(path, 'utf8').catch(() => '')
  const known = new Set(text.split('\n').map((line) => line.trim().replace(/^\/|\/$/g, '')))
  const missing = names.filter((name) => !known.has(name.replace(/\/$/, '')))
  if (missing.length === 0) return false
  await appendFile(path, `${text === '' || text.endsWith('\n') ? '' : '\n'}${missing.join('\n')}\n`)
  return true
}

/** A name that npm takes. */
function nameOf(project: string): string {
  const name = basename(project)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '')
  return name || 'my-jobs'
}

function lines(
  { color }: Output,
  written: readonly string[],
  kept: readonly string[],
  next: readonly string[],
): string {
  return [
    ...written.map((path) => color.green(`+ ${path}`)),
    ...kept.map((path) => color.dim(`  ${path} is there, and stays as it is`)),
    '',
    color.bold('Next:'),
    ...next.map((line) => `  ${line}`),
  ].join('\n')
}
