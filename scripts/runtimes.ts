/** The app in every runtime that runs here. Each is fetched once: together they would make an install heavy. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vitest } from './vitest.ts'

const versions = {
  node22: 'node@22.23.3',
  node26: 'node@26.10.0',
  deno: 'deno@2.9.6',
  bun: 'bun@1.4.5',
  'edge-runtime': 'edge-runtime@4.0.1',
  wrangler: 'wrangler@4.164.0',
  miniflare: 'miniflare@4.20260730.0',
}
const withScripts = ['node', 'deno', 'bun', 'workerd', 'esbuild']
const cache = fileURLToPath(new URL('../.jobmaster/runtimes', import.meta.url))

/** Runs the tests of test/runtime/real and counts them. */
export function runtimes(): { passed: number; failed: number } {
  for (const [name, version] of Object.entries(versions)) fetchOnce(join(cache, name), version)
  return vitest(['--project=runtimes'], { JOBMASTER_TEST_RUNTIMES: cache })
}

/** Fetches one of them where it is not there, and answers its folder. */
export function fetchRuntime(name: keyof typeof versions): string {
  const folder = join(cache, name)
  fetchOnce(folder, versions[name])
  return folder
}

function fetchOnce(folder: string, version: string): void {
  const done = join(folder, `${version.replaceAll('@', '-')}.fetched`)
  if (existsSync(done)) return
  mkdirSync(folder, { recursive: true })
  const allowScripts = Object.fromEntries(withScripts.map((name) => [name, true]))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts }))
  const { status } = spawnSync('npm', ['install', '--prefix', folder, version, '--no-audit', '--no-fund'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error(`${version} could not be fetched`)
  writeFileSync(done, '')
}

if (import.meta.main) {
  const { passed, failed } = runtimes()
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed ? 1 : 0
}
