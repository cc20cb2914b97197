import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from './failure.ts'
import type { Output } from './output.ts'

interface Manifest {
  name: string
  version: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

/** The commands that install what a project lacks, in its own package manager's words; none where nothing is missing. */
export async function installCommand(
  project: string,
  packages: readonly string[],
  developmentPackages: readonly string[],
): Promise<string[]> {
  const manifest = await readFile(join(project, 'package.json'), 'utf8')
    .then((text): Manifest => JSON.parse(text))
    .catch((cause: unknown) => {
      throw new Failure(`package.json of ${project} cannot be read: ${String(cause)}`, undefined, { cause })
    })
  const there = { ...manifest.dependencies, ...manifest.devDependencies }
  const missing = (names: readonly string[]) => names.filter((name) => !(name in there)).map(withRange)
  const manager = managerOf(project)
  const lines = [missing(['jobmaster', ...packages]), missing(developmentPackages)]
  return lines.flatMap((names, index) =>
    names.length > 0 ? [[manager, add[manager], ...(index === 1 ? ['-D'] : []), ...names].join(' ')] : [],
  )
}

/** Runs them; what they say goes to stderr. */
export async function install(project: string, commands: readonly string[], out: Output): Promise<void> {
  for (const command of commands) {
    out.note(out.errorColor.dim(`$ ${command}`))
    const [program = '', ...args] = command.split(' ')
    const code = await new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        cwd: project,
        stdio: ['ignore', out.json ? 'ignore' : 2, 2],
        // npm is a script there.
        shell: process.platform === 'win32',
      })
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (code !== 0) throw new Failure(`\`${command}\` failed: run it yourself, then go on with \`npx jobmaster dev\``)
  }
}

const add = { npm: 'install', pnpm: 'add', yarn: 'add', bun: 'add' } as const

/** By its lock file. */
function managerOf(project: string): keyof typeof add {
  if (existsSync(join(project, 'pnpm-lock.yaml'))) return 'pnpm'
  if (existsSync(join(project, 'yarn.lock'))) return 'yarn'
  if (existsSync(join(project, 'bun.lock')) || existsSync(join(project, 'bun.lockb'))) return 'bun'
  return 'npm'
}

/** As this version of JobMaster was tried with, where it says so. */
function withRange(name: string): string {
  const own: Manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  if (name === own.name) return `${name}@^${own.version}`
  const range = own.peerDependencies?.[name]
  // A shell would take > for a redirection.
  return range?.startsWith('^') ? `${name}@${range}` : name
}
