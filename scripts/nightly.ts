/** What takes too long for each change: every fault 100 times, 2,000 sequences of random commands against the model, plans at a million rows. */
import { vitest } from './vitest.ts'

const { passed, failed } = vitest(
  ['--project=node-postgres', 'test/chaos', 'test/model', 'test/concurrency', 'test/plans'],
  {
    JOBMASTER_CHAOS_TIMES: '100',
    JOBMASTER_MODEL_RUNS: '2000',
    JOBMASTER_PLAN_ROWS: '1000000',
    JOBMASTER_MODEL_SEED: process.env.JOBMASTER_MODEL_SEED ?? String(Math.trunc(Date.now() / 1000)),
  },
)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed ? 1 : 0
