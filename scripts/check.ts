/** All that CI runs. Every step runs even when one before it failed, so that one look shows everything. */
import { spawnSync } from 'node:child_process'
import { browser } from './browser.ts'
import { vitest } from './vitest.ts'

const steps = ['format', 'lint', 'types', 'build', 'unused', 'size']

const broken = steps.filter((step) => {
  console.log(`\n> ${step}`)
  const { status } = spawnSync('npm', ['run', '--silent', step], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  return status !== 0
})
console.log('\n> tests')
const tests = vitest()
console.log('\n> tests in a browser')
const inBrowser = browser()

if (broken.length) console.log(`Not passed: ${broken.join(', ')}`)
const failed = tests.failed + inBrowser.failed + broken.length
console.log(`${tests.passed + inBrowser.passed} passed, ${failed} failed`)
process.exitCode = failed ? 1 : 0
