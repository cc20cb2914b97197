import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** Other queues are no dependency of ours: they are fetched when they are first measured. */
export function fetchPeers(): void {
  if (existsSync(`${folder}/node_modules/pg-boss`)) return
  const { status } = spawnSync('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (status !== 0)
    throw new Error('what JobMaster is measured beside could not be fetched: see test/bench/package.json')
}

/** As its types may not be there when ours are checked, the caller says what it uses of it. */
export async function peer<T>(name: string): Promise<T> {
  return (await import(name)) as T
}
