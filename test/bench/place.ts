import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** A database for one case, and what runs of all cases need. */
export interface Place {
  url: string
  /** A connection beside what is measured. */
  beside: pg.Client
  /** How many jobs a run of a fast case has; fewer where a case is slow by nature. */
  jobs(share?: number): number
  /** The proxy that speaks Neon's protocols. */
  neon: { fetchEndpoint: string; wsProxy: string }
  drop(): Promise<void>
}

export async function createPlace(serverUrl: string, rest: { neon: Place['neon']; jobs: number }): Promise<Place> {
  const admin = new pg.Client({ connectionString: serverUrl })
  await admin.connect()
  const name = `bench_${randomBytes(6).toString('hex')}`
  await admin.query(`create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = name
  const beside = new pg.Client({ connectionString: url.href })
  // A server that is stopped meanwhile says so to all.
  beside.on('error', () => {})
  admin.on('error', () => {})
  await beside.connect()
  return {
    url: url.href,
    beside,
    neon: rest.neon,
    jobs: (share = 1) => Math.max(1, Math.round(rest.jobs * share)),
    async drop() {
      await beside.end()
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
    },
  }
}

/** Every run begins alike: statistics are there, dead rows are not, and no checkpoint is due. */
export async function settleDown(beside: pg.Client): Promise<void> {
  const { rows } = await beside.query<{ tables: string }>(
    `select string_agg(format('%I.%I', schemaname, tablename), ', ') as tables
    from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  await beside.query(`vacuum (analyze) ${rows[0]?.tables}`)
  await beside.query('checkpoint')
}
