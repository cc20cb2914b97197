import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { api, page } from '../scripts/generate-api.ts'
import { assetsFile, generateAssets } from '../scripts/generate-dashboard.ts'
import { compact, generate } from '../scripts/generate-sql.ts'

test.each(Object.entries(generate()))('%s is what `npm run generate:sql` writes', (path, text) => {
  expect(readFileSync(path, 'utf8')).toBe(text)
})

test('what runs in the browser is what `npm run generate:dashboard` writes', async () => {
  expect(readFileSync(assetsFile, 'utf8')).toBe(await generateAssets())
})

test('docs/api.md is what `npm run generate:api` writes', async () => {
  expect(readFileSync(page, 'utf8')).toBe(await api())
})

test('comments, indentation and empty lines are left out of the generated SQL, and strings are kept', () => {
  const sql = `-- what it is for
create function f()
  returns text -- why
as $fn$

    select '-- kept, it''s a string' || "-- a name" -- gone
$fn$`
  expect(compact(sql, 'f.sql')).toBe(
    `create function f()\nreturns text\nas $fn$\nselect '-- kept, it''s a string' || "-- a name"\n$fn$`,
  )
})

test('a string over several lines is refused, naming the file', () => {
  expect(() => compact(`select 'a\n  b'`, 'f.sql')).toThrow(/f\.sql: a string over several lines/)
})
