import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Run the tests and count them by vitest's own results. A run that went wrong without a failed test counts as one. */
export function vitest(
  args: readonly string[] = [],
  env: Record<string, string> = {},
): { passed: number; failed: number } {
  const folder = mkdtempSync(join(tmpdir(), 'jobmaster-results-'))
  const file = join(folder, 'results.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const { status } = spawnSync('vitest', ['run', ...reporters, ...args], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: { ...process.env, ...env },
  })
  try {
    const results: Results = JSON.parse(readFileSync(file, 'utf8'))
    const passed = results.numPassedTests
    const broken = results.testResults.filter((suite) => suite.status === 'failed' && !suite.assertionResults.length)
    const failed = results.numFailedTests + broken.length
    return { passed, failed: failed === 0 && (status !== 0 || passed === 0) ? 1 : failed }
  } catch (error) {
    console.error('vitest left no results:', error)
    return { passed: 0, failed: 1 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Results {
  numPassedTests: number
  numFailedTests: number
  testResults: { status: string; assertionResults: unknown[] }[]
}
