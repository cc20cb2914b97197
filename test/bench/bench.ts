/**
 * JobMaster beside the limit of what Postgres can do, and beside its peers: `npm run bench`.
 * `--quick` runs what is compared alone, with a quarter of the jobs, twice, in under two minutes; `--only <pattern>` the
 * cases whose names match; `--full` also those that fill millions of rows; `--rounds <n>` so many times, which are five
 * otherwise. `--json <file>` writes all values there too.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import pg from 'pg'
import { bundleSizes } from '../../scripts/size.ts'
import { startPostgres } from '../support/postgres.ts'
import { asked } from './asked.ts'
import { cases as all } from './cases.ts'
import { fetchPeers } from './peer.ts'
import { naptime, type Place } from './place.ts'
import { measure } from './rounds.ts'
import { compare, namesIn, tables } from './table.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    full: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    json: { type: 'string' },
  },
})

const pattern = new RegExp(options.only)
const compared = asked.flatMap(namesIn)
/** Whether something is asked of a case, or of a part of it. */
const isCompared = (name: string) => compared.some((one) => one === name || one.startsWith(`${name}/`))
const cases = all.filter(
  ({ name, full }) =>
    pattern.test(name) && (!options.quick || isCompared(name)) && (!full || options.full || options.only !== ''),
)
if (cases.length === 0) throw new Error(`no case matches ${options.only}: ${all.map(({ name }) => name).join(', ')}`)

if (cases.some(({ name }) => /^(graphile|pg-boss)/.test(name))) fetchPeers()
// With the durability that Postgres comes with: fsync and synchronous_commit are on.
const server = await startPostgres()
const admin = new pg.Client({ connectionString: server.url })
await admin.connect()
await admin.query(`alter system set autovacuum_naptime to '${naptime}'`)
await admin.query('select pg_reload_conf()')
await admin.end()
const proxy = new Worker(new URL('neon-worker.ts', import.meta.url), { workerData: server.url })
const { fetchEndpoint, wsProxy } = await new Promise<{ fetchEndpoint: string; wsProxy: string }>((resolve) =>
  proxy.once('message', resolve),
)
const neon: Place['neon'] = { fetchEndpoint, wsProxy }
try {
  const rounds = options.rounds ? Number(options.rounds) : options.quick ? 2 : 5
  const measured = await measure(cases, rounds, {
    folder: import.meta.dirname,
    server: server.url,
    neon,
    jobs: options.quick ? 5_000 : 20_000,
  })
  const reached = compare(asked, measured)
  // Of what no round changes.
  const sizes = options.only === '' ? await bundleSizes() : []
  console.log(tables(measured, reached, sizes))
  if (options.json)
    writeFileSync(options.json, `${JSON.stringify({ cases: measured, asked: reached, sizes }, null, 2)}\n`)
} finally {
  await proxy.terminate()
  await server.stop()
}
