import fc from 'fast-check'
import { beforeAll, test, vi } from 'vitest'
import { commands } from './commands.ts'
import { openReal, type Real } from './real.ts'
import { regressions } from './regressions.ts'

/** The nightly run has more sequences, and others each night. */
const numRuns = Number(process.env.JOBMASTER_MODEL_RUNS ?? 200)
const seed = Number(process.env.JOBMASTER_MODEL_SEED ?? 1)

let real: Real
beforeAll(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  real = await openReal()
})

test.each(regressions)('$rule', ({ commands }) => real.play(commands))

test(`whatever is done to it, the queue does what the model says: ${numRuns} sequences from seed ${seed}`, async () => {
  await fc.assert(
    fc.asyncProperty(commands, (sequence) => real.play(sequence)),
    { numRuns, seed },
  )
}, 3_600_000)
