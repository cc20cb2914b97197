/**
 * What takes too long for each change: every fault 100 times, 2,000 sequences of random commands against the model, plans
 * at a million rows, a million rows pruned, 20,000 generated requests. Sequences and requests are others each night.
 */
import { vitest } from './vitest.ts'

const seed = String(Math.trunc(Date.now() / 1000))
const { passed, failed } = vitest(
  [
    '--project=node-postgres',
    'test/chaos',
    'test/model',
    'test/concurrency',
    'test/plans',
    'test/prune',
    'test/security/http-fuzz',
    'test/security/dashboard-fuzz',
  ],
  {
    JOBMASTER_CHAOS_TIMES: '100',
    JOBMASTER_MODEL_RUNS: '2000',
    JOBMASTER_PLAN_ROWS: '1000000',
    JOBMASTER_PRUNE_ROWS: '1000000',
    JOBMASTER_MODEL_SEED: process.env.JOBMASTER_MODEL_SEED ?? seed,
    JOBMASTER_FUZZ_RUNS: '20000',
    JOBMASTER_FUZZ_SEED: process.env.JOBMASTER_FUZZ_SEED ?? seed,
  },
)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed ? 1 : 0
