import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const guides = join(root, 'docs/platforms')
const platforms = (await readdir(guides)).filter((file) => file !== 'README.md')

test('there is a guide for each platform that has an adapter', async () => {
  const adapters = await readdir(join(root, 'functions'), { withFileTypes: true })
  const folders = adapters.filter((entry) => entry.isDirectory() && !['tasks', 'migrations'].includes(entry.name))
  expect(platforms.toSorted()).toEqual(folders.map(({ name }) => `${name}.md`).toSorted())
})

test.each(['docs/platforms/README.md', 'README.md'])(
  'what %s says to install is all that the HTTP app and the adapters import',
  async (file) => {
    const text = await readFile(join(root, file), 'utf8')
    const lines = [...text.matchAll(/^npm install (?!--save-dev)(.*)$/gm)]
    const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const there = new Set([...lines.flatMap(([, names = '']) => names.split(' ')), ...Object.keys(dependencies)])
    expect((await importedBy('src/http', 'src/runtime')).filter((name) => !there.has(name))).toEqual([])
  },
)

/** The packages that the modules in these folders name. */
async function importedBy(...folders: string[]): Promise<string[]> {
  const modules = folders.map(async (folder) => {
    const names = (await readdir(join(root, folder))).filter((name) => name.endsWith('.ts'))
    return Promise.all(names.map((name) => readFile(join(root, folder, name), 'utf8')))
  })
  const texts = (await Promise.all(modules)).flat()
  const names = texts.flatMap((text) =>
    [...text.matchAll(/^(?:import|export) .*from '((?:@[^/']+\/)?[^./'][^/']*)/gm)].map(([, name = '']) => name),
  )
  return [...new Set(names)].filter((name) => !name.startsWith('node:'))
}

test.each(platforms)('what %s says to write is TypeScript and JSON without an error', async (file) => {
  const folder = await mkdtemp(join(tmpdir(), 'jobmaster-guide-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const written = [...(await filesIn('README.md')), ...(await filesIn(file))]
  for (const { path, text } of written) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
    if (path.endsWith('.json')) expect(() => JSON.parse(text)).not.toThrow()
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
  expect(await typeErrors(folder)).toBe('')
})

/** The code blocks that begin with the name of a file. */
async function filesIn(guide: string): Promise<{ path: string; text: string }[]> {
  const text = await readFile(join(guides, guide), 'utf8')
  return [...text.matchAll(/```(?:ts|json)\n\/\/ (\S+)\n([^]*?)```/g)].map(([, path = '', body = '']) => ({
    path,
    text: body,
  }))
}

const tsconfig = {
  compilerOptions: {
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
    paths: {
      jobmaster: [`${root}src/index.ts`],
      'jobmaster/from-env': [`${root}src/from-env.ts`],
      'jobmaster/neon-fetch': [`${root}src/neon-fetch.ts`],
      'jobmaster/*': [`${root}src/runtime/*.ts`],
    },
  },
}

function typeErrors(folder: string): Promise<string> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  return promisify(execFile)(process.execPath, [tsc, '-p', folder], { cwd: folder }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  )
}
