/** The dashboard in a real browser: Debian's Chromium, installed where that can be done, or another named by the environment. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { vitest } from './vitest.ts'

const variable = 'JOBMASTER_TEST_CHROMIUM'

/** Runs the tests of test/browser, or those of one file, and counts them. */
export function browser(args: string[] = [], env: Record<string, string> = {}): { passed: number; failed: number } {
  if (!hasChromium()) {
    console.error(
      `There is no Chromium: as root on Debian, apt-get install chromium; elsewhere set ${variable} to the file of a Chrome or Chromium.`,
    )
    return { passed: 0, failed: 1 }
  }
  return vitest(['--project=browser', ...args], { JOBMASTER_TEST_BROWSER: '1', ...env })
}

function hasChromium(): boolean {
  const file = process.env[variable] ?? '/usr/bin/chromium'
  if (existsSync(file)) return true
  if (process.env[variable] !== undefined || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    spawnSync('apt-get', args, { stdio: 'inherit' })
  }
  return existsSync(file)
}

if (import.meta.main) {
  const { passed, failed } = browser()
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed ? 1 : 0
}
