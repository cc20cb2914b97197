import { createContext, runInContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bundled, later } from '../scripts/size.ts'

const inside = { external: [], packages: 'bundle' } as const

/** What the core is written in: the language, and what every runtime has of the web. */
const web = { AbortController, AbortSignal, clearTimeout, crypto, setTimeout, TextEncoder, URL, console }

/** Runs a bundle where every other name is one that is noted when it is read. */
async function run(entry: string, program = '') {
  const { text } = await bundled({ ...inside, entry, external: [...inside.external] }, false)
  const exported = /export \{([^}]*)\};?\s*$/.exec(text)
  const script = `(() => { ${text.slice(0, exported?.index)}; ${program} })()`
  const touched: string[] = []
  const context = createContext({ ...web })
  for (const name of ['process', 'Buffer', 'require', 'module', 'global', '__dirname', 'fs', 'fetch', 'WebSocket']) {
    Object.defineProperty(context, name, { get: () => void touched.push(name) })
  }
  const result: unknown = await runInContext(script, context)
  return { touched, result, text }
}

test('importing the core touches no process, no Buffer and no files, and has no node: in it', async () => {
  const { touched, text } = await run('src/index.ts')
  expect(touched).toEqual([])
  expect(text).not.toMatch(/from "node:|require\("|import\("node:/)
})

test('a worker that asks Neon with fetch touches none of them either, until it is called', async () => {
  const { touched } = await run('src/neon-fetch.ts')
  expect(touched).toEqual([])
})

test('a drain runs with nothing but the language and the web', async () => {
  const answer = { jobs: [], met: [], stop: 'empty', remaining: 0, wake_ms: null, skew: [] }
  const { result, touched } = await run(
    'src/index.ts',
    `const db = { execute: async () => ({ rows: [{ answer: ${JSON.stringify(answer)} }] }) }
     return createJobMaster({ db, env: {} }).runUntilEmpty(new Date(Date.now() + 5_000))`,
  )
  expect(result).toMatchObject({ stopReason: 'empty', statements: 1 })
  expect(touched).toEqual([])
})

test('the engine that a cold start reads does not hold the tables, nor what only deploying needs', async () => {
  const entry = {
    entry: 'src/index.ts',
    packages: 'external' as const,
    external: later,
  }
  const { text, contents } = await bundled(entry)
  expect(text).not.toMatch(/create or replace function|to-json-schema|pg-core/i)
  // As `npm run size` measures it.
  expect(gzipSync(contents, { level: 9 }).length).toBeLessThanOrEqual(12_000)
})
