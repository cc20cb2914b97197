import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
let folder: string
let files: string[]

// The tarball, in an empty project with what it asks for and nothing else.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobmaster-package-'))
  const [packed]: { filename: string; files: { path: string }[] }[] = JSON.parse(
    await npm(root, 'pack', '--json', '--silent', '--pack-destination', folder),
  )
  files = packed!.files.map(({ path }) => path)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  await npm(folder, 'install', '--prefer-offline', '--no-audit', '--no-fund', `./${packed!.filename}`)
}, 180_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

test('the package holds what is built, what it was built from, and no more', () => {
  const unexpected = files.filter(
    (path) => !/^(dist|src)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path),
  )
  expect(unexpected).toEqual([])
  expect(files.filter((path) => /\.test\.|^test\/|\.sql$|_journal|snapshot|functions\/|node$/.test(path))).toEqual([])
  expect(files).toContain('dist/index.js')
  expect(files).toContain('dist/index.d.ts')
})

test('every module that is built has its source in the package, and no other', () => {
  const names = (pattern: RegExp) => files.flatMap((path) => pattern.exec(path)?.[1] ?? []).toSorted()
  expect(names(/^dist\/(.*)\.js$/)).toEqual(names(/^src\/(.*)\.tsx?$/))
})

test('installing it brings the peers it cannot do without, and no Node', async () => {
  const installed = await readdir(join(folder, 'node_modules'))
  expect(installed).toEqual(expect.arrayContaining(['drizzle-orm', 'jobmaster', 'valibot']))
  expect(installed.filter((name) => ['node', 'pg', '@neondatabase', '@electric-sql', 'vitest'].includes(name))).toEqual(
    [],
  )
})

test('nothing runs when it is installed, of its own or of what it brings', async () => {
  const { packages } = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8'))
  expect(Object.keys(packages)).toContain('node_modules/jobmaster')
  expect(Object.keys(packages).filter((path) => packages[path].hasInstallScript)).toEqual([])
  const { scripts, dependencies } = JSON.parse(
    await readFile(join(folder, 'node_modules/jobmaster/package.json'), 'utf8'),
  )
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name))).toEqual([])
  const imported = ['@valibot/to-json-schema', 'croner', '@dagrejs/dagre', 'd3-scale', 'd3-shape']
  const forTheCommand = ['@bomb.sh/tab', '@clack/prompts', 'cli-progress', 'cli-table3', 'commander']
  const alsoForIt = ['fastest-levenshtein', 'jiti', 'ms', 'picocolors']
  expect(Object.keys(dependencies).toSorted()).toEqual([...imported, ...forTheCommand, ...alsoForIt].toSorted())
})

test('it is published with its provenance, and made with pinned tools', async () => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  expect(manifest.publishConfig).toEqual({ access: 'public', provenance: true })
  const versions: string[] = Object.values(manifest.devDependencies)
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
  expect(Object.keys(packages).filter((path) => path !== '' && !packages[path].integrity)).toEqual([])
})

test('plain Node imports it', async () => {
  const program = `
    import * as main from 'jobmaster'
    import * as schema from 'jobmaster/schema'
    console.log(JSON.stringify([typeof main.createJobMaster, typeof main.task, typeof schema.tablesIn]))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: folder })
  expect(JSON.parse(stdout)).toEqual(['function', 'function', 'function'])
})

test('its types are found, and infer the arguments of a task', async () => {
  const program = `
    import { createJobMaster, task } from 'jobmaster'
    import { tablesIn } from 'jobmaster/schema'
    import * as v from 'valibot'
    const foo = task({ params: { a: v.number() }, run: ({ a }) => a.toFixed() })
    export const jobs = createJobMaster({ db: {} as never, tasks: { cool: { foo } } })
    export const inserted = jobs.insert(foo, { a: 1 })
    // @ts-expect-error a is a number
    export const refused = jobs.insert(foo, { a: 'one' })
    export const { queue } = tablesIn('job_mistress')`
  await writeFile(join(folder, 'app.ts'), program)
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023']
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [tsc, ...flags, 'app.ts'], { cwd: folder })
})

test('its command runs, and finds no entry where there is none', async () => {
  const command = join(folder, 'node_modules/jobmaster/dist/cli/main.js')
  const { stdout } = await run(process.execPath, [command, '--version'], { cwd: folder })
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  expect(stdout.trim()).toBe(version)
  expect(await readdir(join(folder, 'node_modules/.bin'))).toContain('jobmaster')
  await expect(run(process.execPath, [command, 'status'], { cwd: folder })).rejects.toThrow('jobmaster init')
})

test('nothing but the command imports what is for the command', async () => {
  const own = join(folder, 'node_modules/jobmaster/dist')
  const names = (await readdir(own, { recursive: true })).filter(
    (name) => name.endsWith('.js') && !/^cli[/\\]/.test(name),
  )
  const texts = await Promise.all(names.map((name) => readFile(join(own, name), 'utf8')))
  const importing = names.filter((_, index) =>
    /['"](commander|jiti|ms|picocolors|cli-\w+|fastest-levenshtein|@clack\/prompts|@bomb\.sh\/tab)['"]|\/cli\//.test(
      texts[index]!,
    ),
  )
  expect(importing).toEqual([])
})

test('publint has nothing to say about it', async () => {
  const pkgDir = join(folder, 'node_modules/jobmaster')
  const { messages } = await publint({ pkgDir, strict: true })
  const manifest = JSON.parse(await readFile(join(pkgDir, 'package.json'), 'utf8'))
  expect(messages.map((message) => formatMessage(message, manifest, { color: false }))).toEqual([])
})

const execute = promisify(execFile)

async function run(command: string, args: string[], options: { cwd: string }) {
  return await execute(command, args, options).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${error.stdout}${error.stderr}`, { cause: error })
  })
}

async function npm(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute('npm', args, { cwd, shell: process.platform === 'win32' })
  return stdout
}
