/**
 * Writes src/sql/index.ts and src/migrations/index.ts from the SQL files beside them: Workers have no files to read.
 * Run by `npm run generate`; a test fails when the committed modules are not what this writes.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = new URL('../src/', import.meta.url)

/** The text of both modules, by path. */
export function generate(): Record<string, string> {
  return {
    [fileURLToPath(new URL('sql/index.ts', source))]: functionsModule(),
    [fileURLToPath(new URL('migrations/index.ts', source))]: migrationsModule(),
  }
}

function functionsModule(): string {
  const folder = new URL('sql/', source)
  const functions = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ name: basename(file, '.sql'), sql: compact(readFileSync(new URL(file, folder), 'utf8'), file) }))
  const ordered = creatable(functions)
  return [
    '// Generated from the .sql files beside it by `npm run generate:sql`. Do not edit.',
    '',
    '/** Changes when any function does. */',
    `export const version = '${hashOf(ordered.map(({ sql }) => sql).join('\n'))}'`,
    '',
    '/** Every SQL function, each after those that its creation looks at. */',
    'export const functions: readonly { name: string; sql: string }[] = [',
    ...ordered.map(({ name, sql }) => `  { name: '${name}', sql: ${literal(sql)} },`),
    ']',
    '',
  ].join('\n')
}

function migrationsModule(): string {
  const folder = new URL('migrations/', source)
  const journal: { entries: { tag: string }[] } = JSON.parse(
    readFileSync(new URL('meta/_journal.json', folder), 'utf8'),
  )
  const migrations = journal.entries.map(({ tag }) => {
    const text = readFileSync(new URL(`${tag}.sql`, folder), 'utf8')
    if (/create schema (?!if not exists)/i.test(text)) {
      throw new Error(`${tag}.sql: write CREATE SCHEMA IF NOT EXISTS, drizzle-kit migrate makes the schema before it`)
    }
    const statements = text.split('--> statement-breakpoint').map((statement) => statement.trim())
    return { name: tag, hash: hashOf(text), statements: statements.filter(Boolean) }
  })
  return [
    '// Generated from the .sql files beside it by `npm run generate:sql`. Do not edit.',
    '',
    '/** Every migration of the tables, oldest first. */',
    'export const migrations: readonly { name: string; hash: string; statements: readonly string[] }[] = [',
    ...migrations.flatMap(({ name, hash, statements }) => [
      '  {',
      `    name: '${name}',`,
      `    hash: '${hash}',`,
      '    statements: [',
      ...statements.map((statement) => `      ${literal(statement)},`),
      '    ],',
      '  },',
    ]),
    ']',
    '',
  ].join('\n')
}

interface SqlFunction {
  name: string
  sql: string
}

/** Functions in `language sql` are checked when they are created, so what they call has to be there. */
function creatable(functions: readonly SqlFunction[]): SqlFunction[] {
  const ordered = new Set<SqlFunction>()
  const add = (one: SqlFunction, callers: readonly string[]) => {
    if (ordered.has(one)) return
    if (callers.includes(one.name))
      throw new Error(`sql functions call each other: ${[...callers, one.name].join(' → ')}`)
    for (const other of functions) {
      if (other !== one && checkedAtCreation(one.sql).includes(`jobmaster.${other.name}(`)) {
        add(other, [...callers, one.name])
      }
    }
    ordered.add(one)
  }
  for (const one of functions) add(one, [])
  return [...ordered]
}

/** All of a function in `language sql`; of one in plpgsql the head alone, where defaults and types stand. */
function checkedAtCreation(sql: string): string {
  return sql
    .split(/(?=^create or replace )/m)
    .map((statement) => (/\blanguage sql\b/.test(statement) ? statement : (statement.split('$fn$')[0] ?? '')))
    .join('\n')
}

/** Without comments, indentation and empty lines: every byte is one that a Worker loads. */
export function compact(sql: string, file: string): string {
  // Strings, quoted names, comments; a body's own $fn$ is not a string to us.
  const tokens = /'(?:[^']|'')*'|"[^"]*"|--[^\n]*|\/\*|\$(?!fn\$)[a-z_]*\$/gi
  const withoutComments = sql.replace(tokens, (token) => {
    if (token.startsWith('--')) return ''
    if (token === '/*' || token.startsWith('$'))
      throw new Error(`${file}: write -- comments and '…' strings, not ${token}`)
    if (token.includes('\n'))
      throw new Error(`${file}: a string over several lines would lose its indentation: ${token}`)
    return token
  })
  return withoutComments
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .join('\n')
}

function literal(text: string): string {
  return `\`${text.replace(/[\\`]|\$\{/g, (special) => `\\${special}`)}\``
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(generate())) writeFileSync(path, text)
}
