/**
 * Writes docs/api.md from the declarations and docstrings of what the package exports. Run by `npm run generate:api`; a
 * test fails when the committed page is not what this writes.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Comment, parseSync, type Statement } from 'oxc-parser'
import { format, resolveConfig } from 'prettier'

const root = fileURLToPath(new URL('..', import.meta.url))
export const page = join(root, 'docs/api.md')

const introduction = `# API

What each entry point of the package exports, from its docstrings: \`npm run generate:api\` writes this page.
The SQL functions are in [sql.md](sql.md), the HTTP routes in the OpenAPI document of \`GET /openapi.json\`.
`

/** Where a name is declared. */
interface Declared {
  name: string
  text: string
  docs: string
}

/** The text of the page. */
export async function api(): Promise<string> {
  mkdirSync(join(root, '.jobmaster'), { recursive: true })
  const folder = mkdtempSync(join(root, '.jobmaster/api-'))
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const flags = ['-p', 'tsconfig.build.json', '--emitDeclarationOnly', '--outDir', folder]
    const { status, stdout } = spawnSync(process.execPath, [tsc, ...flags], { cwd: root, encoding: 'utf8' })
    if (status !== 0) throw new Error(stdout)
    const sections = entries().map(([entry, file]) => section(entry, exportsOf(join(folder, file))))
    const style = await resolveConfig(page)
    return await format([introduction, ...sections].join('\n'), { ...style, parser: 'markdown' })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Entry points by their names, with their declarations: \`jobmaster/http\`, \`http.d.ts\`. */
function entries(): [entry: string, file: string][] {
  const { exports }: { exports: Record<string, string | { types?: string }> } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  return Object.entries(exports).flatMap(([path, target]): [string, string][] =>
    typeof target === 'object' && target.types
      ? [[path.replace('.', 'jobmaster'), target.types.replace('./dist/', '')]]
      : [],
  )
}

function section(entry: string, declared: Declared[]): string {
  const parts = declared.map(
    ({ name, text, docs }) => `### \`${name}\`\n\n${docs}\n\n\`\`\`ts\n${short(text)}\n\`\`\`\n`,
  )
  return `## \`${entry}\`\n\n${parts.join('\n')}`
}

/** Inferred types may be long: the editor has the rest. */
function short(text: string): string {
  const lines = text.split('\n')
  return lines.length > 100 ? `${lines[0]} /* … */` : text
}

/** What a module of declarations exports, also from others, in the order of its statements. */
function exportsOf(file: string): Declared[] {
  const source = readFileSync(file, 'utf8')
  const { program, comments } = parseSync(file, source)
  return program.body.flatMap((statement): Declared[] => {
    if (statement.type === 'ExportAllDeclaration') return exportsOf(moduleAt(file, statement.source.value))
    if (statement.type !== 'ExportNamedDeclaration') return []
    const { declaration, specifiers, source: from } = statement
    if (declaration) return [declaredBy(statement, source, comments)]
    if (!from) return []
    const there = exportsOf(moduleAt(file, from.value))
    return specifiers.flatMap(({ local }) =>
      there.filter(({ name }) => local.type === 'Identifier' && name === local.name),
    )
  })
}

function declaredBy(statement: Statement, source: string, comments: readonly Comment[]): Declared {
  const text = source
    .slice(statement.start, statement.end)
    .replace(/^export (declare )?/, '')
    .replace(/;$/, '')
  const [, name = ''] = /^(?:abstract )?(?:function|interface|type|const|class|let) (\w+)/.exec(text) ?? []
  const above = comments.findLast(
    ({ end }) => end <= statement.start && source.slice(end, statement.start).trim() === '',
  )
  return { name, text, docs: above ? prose(above.value) : '' }
}

/** A docstring as Markdown. */
function prose(comment: string): string {
  return comment
    .replace(/^\*+/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, ''))
    .join('\n')
    .trim()
    .replaceAll(/^@throws (.*)/gm, '\nThrows $1')
    .replaceAll(/^@param (\w+) (.*)/gm, '\n`$1`: $2')
}

function moduleAt(file: string, specifier: string): string {
  const path = join(dirname(file), specifier).replace(/\.(tsx?|js)$/, '.d.ts')
  if (!existsSync(path)) throw new Error(`${file} exports from ${specifier}, which is not there`)
  return path
}

if (import.meta.main) writeFileSync(page, await api())
