/** All that CI runs. Every step runs even when one before it failed, so that one look shows everything. */
import { spawnSync } from 'node:child_process'
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

if (broken.length) console.log(`Not passed: ${broken.join(', ')}`)
const failed = tests.failed + broken.length
console.log(`${tests.passed} passed, ${failed} failed`)
process.exitCode = failed ? 1 : 0
