import pg from 'pg'
import type { Case } from '../case.ts'
import { settleDown } from '../place.ts'

/** What Postgres itself can do: complete the last batch and claim the next, in one statement, with nothing else. */
export const limit: Case[] = [1, 10, 100, 500, 1_000].map((batch) => ({
  name: `limit/${batch}`,
  async open(place) {
    const count = place.jobs(batch === 1 ? 0.1 : batch === 10 ? 0.5 : 1)
    const client = new pg.Client({ connectionString: place.url })
    await client.connect()
    // As wide a row as one of ours that has been claimed, and the two indexes that it cannot do without.
    await client.query(`
      create table jobs (
        id bigint primary key generated always as identity,
        rank integer not null,
        status text not null,
        attempt integer not null default 0,
        created_at timestamptz not null,
        started_at timestamptz,
        finished_at timestamptz,
        padding text not null,
        args jsonb not null
      );
      create index on jobs (rank, id) where status = 'waiting';`)
    const drainFor = async (most: number, size: number) => {
      let done: unknown[] = []
      let jobs = 0
      for (let statements = 1; ; statements += 1) {
        const { rows } = await client.query<[string, unknown]>({
          name: 'fused',
          text: fused,
          values: [done, statements < most ? size : 0],
          rowMode: 'array',
        })
        jobs += done.length
        if (rows.length === 0) return { jobs, statements }
        done = rows.map(([id]) => id)
      }
    }
    return {
      async prepare() {
        await client.query(`
          truncate jobs;
          insert into jobs (rank, status, created_at, padding, args)
          select 0, 'waiting', now(), repeat('x', 80), jsonb_build_object('n', n)
          from generate_series(1, ${count}) n`)
        await settleDown(place.beside)
        await drainFor(12, Math.min(batch, 100))
      },
      run: () => drainFor(Infinity, batch),
      close: () => client.end(),
    }
  },
}))

const fused = `
  with completed as (
    update jobs set status = 'completed', finished_at = now() where id = any($1::bigint[])
  )
  update jobs
  set status = 'running', attempt = attempt + 1, started_at = now()
  where id = any(array(
    select id from jobs where status = 'waiting' order by rank, id limit $2 for update skip locked
  ))
  returning id, args`
