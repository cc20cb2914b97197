/**
 * JobMaster beside the limit of what Postgres can do, and beside its peers: `npm run bench`.
 * `--quick` takes under two minutes, `--only <pattern>` runs the cases whose names match, `--full` also
 * those that fill millions of rows, `--rounds <n>` so many times,
 * `--json <file>` writes all values there too.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { startPostgres } from '../support/postgres.ts'
import { coldStart } from './cases/cold-start.ts'
import { crowd } from './cases/crowd.ts'
import { day } from './cases/day.ts'
import { drain } from './cases/drain.ts'
import { graphileWorker } from './cases/graphile-worker.ts'
import { heldSnapshot } from './cases/held-snapshot.ts'
import { insert } from './cases/insert.ts'
import { limit } from './cases/limit.ts'
import { pgBoss } from './cases/pg-boss.ts'
import { roundTrip } from './cases/round-trip.ts'
import { scale } from './cases/scale.ts'
import { fetchPeers } from './peer.ts'
import type { Place } from './place.ts'
import { ratios } from './ratios.ts'
import { measure } from './rounds.ts'
import { compare, tables } from './table.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    full: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    json: { type: 'string' },
  },
})

const all = [
  ...limit,
  ...graphileWorker,
  ...pgBoss,
  ...drain,
  ...crowd,
  ...roundTrip,
  ...heldSnapshot,
  ...insert,
  ...scale,
  ...coldStart,
  ...day,
]
const pattern = new RegExp(options.only)
const cases = all.filter(
  ({ name, slow, full }) =>
    pattern.test(name) && !(options.quick && slow) && (!full || options.full || options.only !== ''),
)
if (cases.length === 0) throw new Error(`no case matches ${options.only}: ${all.map(({ name }) => name).join(', ')}`)

if (cases.some(({ name }) => /^(graphile|pg-boss)/.test(name))) fetchPeers()
// With the durability that Postgres comes with: fsync and synchronous_commit are on.
const server = await startPostgres()
const proxy = new Worker(new URL('neon-worker.ts', import.meta.url), { workerData: server.url })
const { fetchEndpoint, wsProxy } = await new Promise<{ fetchEndpoint: string; wsProxy: string }>((resolve) =>
  proxy.once('message', resolve),
)
const neon: Place['neon'] = { fetchEndpoint, wsProxy }
try {
  const rounds = options.rounds ? Number(options.rounds) : options.quick ? 3 : 5
  const measured = await measure(cases, { rounds, url: server.url, jobs: options.quick ? 5_000 : 20_000, neon })
  const compared = compare(ratios, measured)
  console.log(tables(measured, compared))
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ cases: measured, ratios: compared }, null, 2)}\n`)
} finally {
  await proxy.terminate()
  await server.stop()
}
