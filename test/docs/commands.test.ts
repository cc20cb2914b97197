import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, CommanderError } from 'commander'
import { format } from 'prettier'
import { parse as parseToml } from 'smol-toml'
import { expect, test } from 'vitest'
import { addCompletion } from '../../src/cli/completion.ts'
import { program } from '../../src/cli/program.ts'

// What the pages name, in their blocks and within their sentences, has to be there.

const root = fileURLToPath(new URL('../..', import.meta.url))
const inDocs = (await readdir(join(root, 'docs'), { recursive: true })).map((name) => `docs/${name}`)
const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'functions/README.md', ...inDocs]
  .filter((name) => name.endsWith('.md'))
  .toSorted()
const texts = await Promise.all(pages.map(async (page) => ({ page, text: await readFile(join(root, page), 'utf8') })))

test('every `jobmaster` command of the pages is one that there is, with its options', async () => {
  const found = texts.flatMap(({ page, text }) => commandsOf(text).map((line) => ({ page, line })))
  expect(found.length).toBeGreaterThan(20)
  const wrong: string[] = []
  for (const { page, line } of found) {
    const problem = await problemOf(wordsOf(line))
    if (problem !== undefined) wrong.push(`${page}: jobmaster ${line}: ${problem}`)
  }
  expect(wrong).toEqual([])
})

test('every command that docs/cli.md lists takes the options that stand beside it', async () => {
  const { text } = texts.find(({ page }) => page === 'docs/cli.md')!
  const root = await withCompletion()
  const wrong = [...text.matchAll(/^\| `(\w+)[^`]*` +\| (.*) \|$/gm)].flatMap(([, name = '', said = '']) => {
    const command = root.commands.find((one) => one.name() === name)
    const flags = [...said.matchAll(/`[^`]*?(--[\w-]+)/g)].map(([, flag = '']) => flag)
    const unknown = flags.filter(
      (flag) => ![...(command?.options ?? []), ...root.options].some(({ long }) => long === flag),
    )
    return command ? unknown.map((flag) => `${name} ${flag}`) : [name]
  })
  expect(wrong).toEqual([])
})

test('every script of npm, and every test that the pages name, is there', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const wrong = texts.flatMap(({ page, text }) => {
    const named = [...text.matchAll(/npm run (?:-\S+ )*([\w:-]+)/g)].map(([, name = '']) => name)
    const files = [...text.matchAll(/(?<![\w/.-])(?:test|scripts|src)\/[\w/.-]*\w/g)].map(([path]) => path)
    return [
      ...named.filter((name) => !(name in scripts)).map((name) => `${page}: npm run ${name}`),
      ...files.filter((path) => !existsSync(join(root, path))).map((path) => `${page}: ${path}`),
    ]
  })
  expect(wrong).toEqual([])
})

test('the README has every SQLSTATE that is raised', async () => {
  const sources = (await readdir(join(root, 'src'), { recursive: true })).filter((name) => /\.(ts|sql)$/.test(name))
  const raised = (await Promise.all(sources.map((name) => readFile(join(root, 'src', name), 'utf8')))).flatMap((text) =>
    [...text.matchAll(/\bJM\d{3}\b/g)].map(([code]) => code),
  )
  const { text } = texts.find(({ page }) => page === 'README.md')!
  const listed = [...text.matchAll(/^\| `(JM\d{3})`/gm)].map(([, code]) => code)
  expect([...new Set(raised)].toSorted()).toEqual(listed)
})

test('every configuration that the pages say to write can be read, and what it refers to is in it', async () => {
  const found = texts.flatMap(({ page, text }) =>
    [...text.matchAll(/^```(jsonc?|yaml|toml)\n([^]*?)^```$/gm)].map(([, language = '', body = '']) => ({
      page,
      language,
      body,
    })),
  )
  expect(new Set(found.map(({ language }) => language))).toEqual(new Set(['json', 'jsonc', 'yaml', 'toml']))
  for (const { page, language, body } of found) {
    const read = async (): Promise<unknown> =>
      language === 'toml' ? parseToml(body) : format(body, { parser: language })
    await expect(read(), page).resolves.toBeDefined()
    for (const [, name = ''] of body.matchAll(/!(?:Ref|GetAtt) (\w+)/g)) {
      expect(body, page).toMatch(new RegExp(`^  ${name.replace(/Url$/, '')}\\w*:`, 'm'))
    }
  }
})

test('every link within the pages leads to a file, and to a heading of it', () => {
  const wrong = texts.flatMap(({ page, text }) =>
    linksOf(page, text).filter(({ file, heading }) => {
      if (!existsSync(join(root, file))) return true
      const target = texts.find((one) => one.page === file)
      return heading !== undefined && !(target && headingsOf(target.text).has(heading))
    }),
  )
  expect(wrong).toEqual([])
})

test('docs/README.md has a link to every page of docs', () => {
  const index = texts.find(({ page }) => page === 'docs/README.md')!
  const linked = new Set(linksOf(index.page, index.text).map(({ file }) => file))
  const missing = pages.filter((page) => page.startsWith('docs/') && page !== index.page && !linked.has(page))
  expect(missing).toEqual([])
})

/** What stands behind `jobmaster` in a shell block's line, or in the code within a sentence. */
function commandsOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```(?:sh|console)\n([^]*?)^```$/gm)].flatMap(([, block = '']) => block.split('\n'))
  const inline = [...text.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
  return [...blocks, ...inline].flatMap((line) => {
    const command = /(?:^|\(|npx )jobmaster ((?:[a-z]|--).*)$/.exec(line.replace(/^(\$|\s)+/, ''))?.[1]
    return command === undefined || /^[a-z.]+\.\w/.test(command) ? [] : [command]
  })
}

function wordsOf(line: string): string[] {
  const command = line
    .replace(/ +#.*$/, '')
    .replace(/ (&|>|\||&&).*$/, '')
    .replace(/\)$/, '')
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? '',
  )
}

async function withCompletion(): Promise<Command> {
  const root = program()
  await addCompletion(root, [])
  return root
}

/** What the command line itself would say of it, were nothing done. */
async function problemOf(words: string[]): Promise<string | undefined> {
  const made = await withCompletion()
  const quiet = (command: Command) => {
    command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} })
    // It has an action of its own, which writes a script.
    if (command.name() !== 'complete') command.action(() => {})
    for (const one of command.commands) quiet(one)
  }
  for (const command of made.commands) quiet(command)
  if (words[0] === 'complete') return undefined
  try {
    await made.configureOutput({ writeErr: () => {}, writeOut: () => {} }).parseAsync(words, { from: 'user' })
    return undefined
  } catch (error) {
    // Within a sentence it may be named without what it takes.
    if (error instanceof CommanderError && /[mM]issingArgument$/.test(error.code)) return undefined
    return error instanceof Error ? error.message : String(error)
  }
}

function linksOf(page: string, text: string): { page: string; file: string; heading: string | undefined }[] {
  return [...text.matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([, path = '', heading]) => ({
    page,
    file: path === '' ? page : normalize(join(dirname(page), path)),
    heading,
  }))
}

/** As GitHub makes anchors of them. */
function headingsOf(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
