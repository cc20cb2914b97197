/**
 * Pruning a long history while others work: what each statement deletes is counted by triggers, and what it locks is asked
 * of the server. A million rows under JOBMASTER_PRUNE_ROWS=1000000, as every night; fewer for each change.
 */
import { drizzle } from 'drizzle-orm/node-postgres'
import { createJobMaster, dependsOn, same, task } from 'jobmaster'
import pg from 'pg'
import * as v from 'valibot'
import { expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from './support/deadline.ts'
import { setup } from './support/jobs.ts'
import { type Sql, sqlAt } from './support/sql.ts'

const rows = Number(process.env.JOBMASTER_PRUNE_ROWS ?? 60_000)
const timeout = 30_000 + rows / 4
const params = { n: v.optional(v.number(), 0) }
const source = task({ params: { region: v.number() }, run: () => ({ loaded: true }) })
const cool = {
  source,
  quick: task({ params, run() {} }),
  all: task({ params: { n: v.picklist([1, 2]) }, writeAll: ['n'], run() {} }),
  dependent: task({
    params: { region: v.number() },
    dependencies: dependsOn(source, { withinHours: 24, args: { region: same } }),
    run() {},
  }),
}
const emptyGroups = 50
const tables = [
  'jobs',
  'attempts',
  'log_lines',
  'progress',
  'job_keys',
  'blockers',
  'unique_keys',
  'groups',
  'group_waits',
]
const weak = new Set<unknown>(['AccessShareLock', 'RowShareLock', 'RowExclusiveLock'])

/**
 * So many jobs that finished ten days ago: each tenth failed, each tenth was cancelled; three tenths are in groups of nine,
 * others are children of ALL jobs; with the rows that are kept beside them, and some groups that have no job.
 */
async function layHistory(sql: Sql): Promise<void> {
  await sql(`
    insert into jobmaster.groups (id, created_at, ended_at, jobs)
    select -n, now() - interval '10 days', now() - interval '10 days', 9 from generate_series(0, ${rows / 30 + emptyGroups}) n;
    insert into jobmaster.jobs (
      task_id, status, priority, rank, args, max_attempts, process_units, created_at, run_at, started_at, finished_at, attempt, group_id, parent_id, result
    )
    select
      task.id,
      (array['failed', 'cancelled', 'expanded', 'completed'])[least(n % 10, 3) + 1],
      0, 0, jsonb_build_object('n', n), 3, 1, past.moment, past.moment, past.moment, past.moment, 1,
      case when n % 10 > 6 then -(n / 30) end, case when n % 10 = 6 then -n end, '{"rows": 42}'
    from generate_series(1, ${rows}) n
    join jobmaster.tasks task on task.task_key = 'quick'
    cross join (select now() - interval '10 days' as moment) past
    order by n;
    insert into jobmaster.attempts (job_id, attempt, started_at, finished_at, outcome, system)
    select id, 1, created_at, finished_at, 'failed', 'default' from jobmaster.jobs where status = 'failed';
    insert into jobmaster.log_lines (job_id, attempt, line, logged_at, message)
    select id, 1, 1, created_at, 'hello' from jobmaster.jobs where id % 7 = 0;
    insert into jobmaster.progress (job_id, attempt, value, told_at)
    select id, 1, 0.5, created_at from jobmaster.jobs where id % 7 = 0;
    insert into jobmaster.unique_keys (task_id, key_hash, key, job_id)
    select task_id, id, to_jsonb(id), id from jobmaster.jobs where id % 7 = 1;
    analyze`)
}

/** Writes down how many rows each deleting statement has deleted, in which transaction. */
async function countDeletes(sql: Sql): Promise<void> {
  await sql(`
    create table public.deleted (transaction xid8, of text, jobs bigint);
    create function public.count_deleted() returns trigger language plpgsql security definer as $fn$
    begin
      insert into public.deleted select pg_current_xact_id(), tg_table_name, count(*) from gone;
      return null;
    end
    $fn$`)
  for (const table of tables) {
    await sql(`
      create trigger count_deleted after delete on jobmaster.${table}
      referencing old table as gone for each statement execute function public.count_deleted()`)
  }
}

/**
 * A JobMaster on connections of its own, each statement of which fails where it waits for a lock. Postgres itself locks a
 * table for moments, where its file grows or a vacuum cuts off its empty end: they are shorter, except on a busy machine.
 */
function impatient(url: string, options: { keep?: { completed: string; failed: string } } = {}) {
  const pool = new pg.Pool({ connectionString: url, max: 1, options: '-c lock_timeout=50ms -c deadlock_timeout=10s' })
  onTestFinished(() => pool.end())
  return createJobMaster({ ...options, db: drizzle({ client: pool }), tasks: { cool } })
}

/** Whether a promise has been settled yet. */
function endOf(work: Promise<unknown>): { over: boolean } {
  const end = { over: false }
  const settled = () => (end.over = true)
  work.then(settled, settled)
  return end
}

/** Inserts jobs until the work beside it has ended; with `drains` it also cancels, retries, changes and runs them. Returns how many. */
async function workBeside(url: string, pruning: Promise<unknown>, drains: boolean): Promise<number> {
  const jobs = impatient(url)
  const end = endOf(pruning)
  let inserted = 0
  do {
    const [one, other] = await jobs.insertMany(Array.from({ length: 20 }, () => ({ task: cool.quick, args: {} })))
    inserted += 20
    if (drains) {
      await jobs.cancel(one!.id)
      await jobs.retry(one!.id)
      await jobs.change(other!.id, { priority: 3 })
      expect(await jobs.runUntilEmpty(deadlineIn(), { batchSize: 10 })).toMatchObject({ completed: 20, remaining: 0 })
    }
  } while (!end.over)
  return inserted
}

/** Looks, again and again until the work has ended, at all locks on the tables, and at who waits for another session. */
async function watch(url: string, work: Promise<unknown>) {
  const { sql, close } = await sqlAt(url)
  onTestFinished(close)
  const end = endOf(work)
  const modes = new Set<unknown>()
  let looks = 0
  let waits = 0
  while (!end.over) {
    const locks = await sql`
      select distinct mode
      from pg_locks
      join pg_class on pg_class.oid = relation
      join pg_stat_activity activity using (pid)
      where locktype = 'relation' and relnamespace = 'jobmaster'::regnamespace and activity.backend_type = 'client backend'`
    const waiting = await sql`
      select
      from pg_locks waiting
      cross join lateral unnest(pg_blocking_pids(waiting.pid)) blocker
      join pg_stat_activity activity on activity.pid = blocker
      where not waiting.granted and waiting.locktype <> 'extend'
      and activity.datname = current_database() and activity.backend_type = 'client backend'`
    looks += 1
    waits += waiting.length
    for (const { mode } of locks) modes.add(mode)
  }
  return { looks, waits, modes: [...modes] }
}

/** What stands for a job, or a group, that is not there. */
async function orphans(sql: Sql): Promise<number> {
  const [row] = await sql<{ orphans: number }>(`
    select (
      ${tables
        .filter((table) => table !== 'jobs' && table !== 'groups')
        .map(
          (table) =>
            `(select count(*) from jobmaster.${table} where not exists (select from jobmaster.jobs where id = job_id))`,
        )
        .join(' + ')}
      + (select count(*) from jobmaster.groups)
    )::integer as orphans`)
  return row!.orphans
}

type Jobs = ReturnType<typeof impatient>

const ways = [
  {
    by: 'jobs.prune',
    keep: undefined,
    bite: 10_000,
    async prune(jobs: Jobs): Promise<number> {
      let calls = 1
      while ((await jobs.prune({ completed: '2 hours', failed: '2 hours' })) > 0) calls += 1
      return calls
    },
  },
  {
    by: 'the calls of drains',
    keep: { completed: '2 hours', failed: '2 hours' },
    bite: 500,
    async prune(jobs: Jobs): Promise<number> {
      const most = Math.ceil(rows / 500) + 20
      let calls = 0
      while (calls < most) {
        calls += (await jobs.runUntilEmpty(deadlineIn(), { batchSize: 10, statementBudget: most })).statements
      }
      return calls
    },
  },
]

test.each(ways)(
  `${rows.toLocaleString('en')} rows are pruned by $by in small bites, and nobody waits for a lock`,
  { timeout },
  async ({ keep, bite, prune }) => {
    const { jobs, sql, url, clock } = await setup({ cool })
    await layHistory(sql)
    const loaded = await jobs.insert(source, { region: 1 })
    await jobs.runUntilEmpty(deadlineIn())
    await clock.advance({ hours: 3 })
    await countDeletes(sql)
    const pruner = impatient(url, keep && { keep })

    const pruning = prune(pruner)
    const [calls, seen, inserted] = await Promise.all([
      pruning,
      watch(url, pruning),
      // Claims wait for one another: where the drains claim, nobody else does.
      workBeside(url, pruning, keep === undefined),
    ])

    // Where a statement had waited for a lock it would have failed.
    expect(seen.looks).toBeGreaterThan(10)
    expect(seen.waits).toBe(0)
    expect(seen.modes.filter((mode) => !weak.has(mode))).toEqual([])
    // All of it is gone, with what is kept beside it, and nothing that was done meanwhile.
    expect(await jobs.get(loaded.id)).toBeNull()
    await clock.advance({ hours: 1, minutes: 1 })
    expect(await pruner.runUntilEmpty(deadlineIn(timeout / 2))).toMatchObject({ remaining: 0 })
    expect(await orphans(sql)).toBe(0)
    expect((await jobs.status()).jobs).toMatchObject({ completed: inserted, failed: 0, cancelled: 0, expanded: 0 })
    // A call is a transaction with a bite of each table at the most.
    const deleted = await sql<{ of: string; most: number; jobs: number }>(`
      select of, max(jobs)::integer as most, sum(jobs)::integer as jobs
      from (select of, transaction, sum(jobs) as jobs from public.deleted group by of, transaction) each
      group by of`)
    expect(deleted.find(({ of }) => of === 'jobs')).toMatchObject({ jobs: rows + 1 })
    expect(deleted.filter(({ most }) => most > bite)).toEqual([])
    expect(calls).toBeGreaterThanOrEqual(rows / bite)
    // What was completed before is fresh.
    await jobs.insert(cool.dependent, { region: 1 })
    expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, blocked: 0 })
  },
)

test('while the transaction of a prune is held open everything else goes on, and waits for no lock', async () => {
  const { jobs, sql, url, clock } = await setup({ cool })
  await jobs.insertMany(Array.from({ length: 50 }, (_, n) => ({ task: cool.quick, args: { n } })))
  const { group } = await jobs.insertMany([{ task: cool.all, args: { n: 'ALL' } }], { group: true })
  await jobs.runUntilEmpty(deadlineIn())
  await clock.advance({ hours: 3 })
  const waiting = await jobs.insert(cool.quick, {})
  await sql('begin')
  await sql`select jobmaster.prune('1 hour', '1 hour')`
  await expect(jobs.group(group.id)).resolves.toMatchObject({ status: 'completed' })
  const locks =
    await sql`select locktype, mode from pg_locks where pid = pg_backend_pid() and locktype not in ('virtualxid', 'transactionid')`
  expect(locks.filter(({ locktype, mode }) => locktype !== 'relation' || !weak.has(mode))).toEqual([])
  expect(locks.length).toBeGreaterThan(5)

  const others = impatient(url, { keep: { completed: '1 hour', failed: '1 hour' } })
  const [first] = await others.insertMany([{ task: cool.quick, args: {} }], { group: true }).then((made) => made.jobs)
  await others.cancel(first!.id)
  await others.retry(first!.id)
  await others.change(waiting.id, { priority: 7 })
  await others.cancel({ task: 'cool.all', status: 'waiting' })
  expect(await others.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 2, stopReason: 'empty' })
  // Of what is being deleted it deletes nothing itself, and lists it as it was.
  expect(await others.prune({ completed: '1 hour' })).toBe(0)
  expect(await others.delete({ status: 'completed' })).toEqual({ jobs: 2, more: true })
  expect((await others.status()).jobs).toMatchObject({ completed: 52, expanded: 1 })
  expect(await others.metrics()).toContain('jobmaster_jobs')
  await sql('commit')
  expect((await others.status()).jobs).toMatchObject({ completed: 0, expanded: 0 })
})
