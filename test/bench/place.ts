import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** What all cases share. */
export interface PlaceOptions {
  /** That of the benchmark: what runs cases is a bundle elsewhere. */
  folder: string
  /** Where Postgres is. */
  server: string
  /** The proxy that speaks Neon's protocols. */
  neon: { fetchEndpoint: string; wsProxy: string }
  /** How many jobs a run of a fast case has. */
  jobs: number
}

/** A database for one case, and what runs of all cases need. */
export interface Place {
  url: string
  /** A connection beside what is measured. */
  beside: pg.Client
  /** How many jobs a run of a fast case has; a share of them where a case is slow by nature, or has many. */
  jobs(share?: number): number
  neon: PlaceOptions['neon']
  folder: string
  drop(): Promise<void>
}

export async function createPlace({ folder, server, neon, jobs }: PlaceOptions): Promise<Place> {
  const admin = new pg.Client({ connectionString: server })
  await admin.connect()
  const name = `bench_${randomBytes(6).toString('hex')}`
  await admin.query(`create database ${name}`)
  const url = new URL(server)
  url.pathname = name
  const beside = new pg.Client({ connectionString: url.href })
  // A server that is stopped meanwhile says so to all.
  beside.on('error', () => {})
  admin.on('error', () => {})
  await beside.connect()
  return {
    url: url.href,
    beside,
    folder,
    neon,
    jobs: (share = 1) => Math.max(1, Math.round(jobs * share)),
    async drop() {
      await beside.end()
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
    },
  }
}

/** Autovacuum would clean up after one case while another is measured: each run begins after a vacuum of its own. */
export const naptime = '1d'

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
