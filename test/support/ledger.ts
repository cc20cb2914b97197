import type { Sql } from './sql.ts'

/** What a ledger says that must not be: a line for each case, none where every promise held. */
export type Violations = string[]

/**
 * Writes down every status transition of the jobs of a deployed schema, by a trigger and not by the engine. The entries
 * stand in the order of commits: they are written as a transaction commits, under a lock that is held until it has, so
 * that a number below another's was committed before it. What the trigger waits for waits for nothing else.
 */
export async function keepLedger(sql: Sql): Promise<void> {
  await makeLedger(sql)
  await sql(`
    create function ledger.write() returns trigger language plpgsql as $fn$
    begin
      perform pg_advisory_xact_lock(4711);
      insert into ledger.transitions (job_id, task, was, status, attempt, process_units, system, args, claim, rank)
      select
        new.id, task.type_key || '.' || task.task_key, case when tg_op = 'UPDATE' then old.status end, new.status,
        new.attempt, new.process_units, new.system, new.args, new.claim, new.rank
      from jobmaster.tasks task
      where task.id = new.task_id;
      return null;
    end
    $fn$;
    create constraint trigger ledger_insert after insert on jobmaster.jobs
    deferrable initially deferred for each row execute function ledger.write();
    create constraint trigger ledger_update after update on jobmaster.jobs
    deferrable initially deferred for each row
    when (old.status <> new.status or old.attempt <> new.attempt) execute function ledger.write()`)
}

/** The table alone: a test of the questions below writes its own transitions. */
export async function makeLedger(sql: Sql): Promise<void> {
  await sql(`
    create schema ledger;
    create table ledger.transitions (
      number bigint primary key generated always as identity,
      job_id bigint not null,
      task text not null,
      was text,
      status text not null,
      attempt integer not null,
      process_units integer not null,
      system text,
      args jsonb not null,
      claim bigint,
      rank integer,
      application text not null default current_setting('application_name')
    );
    create index on ledger.transitions (job_id, attempt)`)
}

/** Systems where, after some transition, more units were in use than there are. */
export function unitsAbove(sql: Sql, units: Record<string, number>): Promise<Violations> {
  return lines(sql`
    select distinct on (system) format('%s used %s of %s units at transition %s', system, used, allowed, number) as line
    from (
      select number, system, sum(change) over (partition by system order by number) as used
      from (
        select number, system, case when status = 'running' then process_units else -process_units end as change
        from ledger.transitions
        where (status = 'running') <> (was is not distinct from 'running')
      ) changes
    ) uses
    join jsonb_each_text(${JSON.stringify(units)}::jsonb) system_units (name, allowed) on name = system
    where used > allowed::integer
    order by system, used desc`)
}

/** Tasks of which, after some transition, more jobs were running than their limit. */
export function jobsAbove(sql: Sql, limits: Record<string, number>): Promise<Violations> {
  return lines(sql`
    select distinct on (task) format('%s had %s running, %s allowed, at transition %s', task, running, allowed, number) as line
    from (
      select number, task, sum(case when status = 'running' then 1 else -1 end) over (partition by task order by number) as running
      from ledger.transitions
      where (status = 'running') <> (was is not distinct from 'running')
    ) counts
    join jsonb_each_text(${JSON.stringify(limits)}::jsonb) task_limit (name, allowed) on name = task
    where running > allowed::integer
    order by task, running desc`)
}

/** Attempts that were begun or ended more than once, or begun and never ended. */
export function attemptsNotEndedOnce(sql: Sql): Promise<Violations> {
  return lines(sql`
    select format('#%s attempt %s began %s times and ended %s times', job_id, attempt, began, ended) as line
    from (
      select
        job_id,
        attempt,
        count(*) filter (where status = 'running') as began,
        count(*) filter (where was = 'running') as ended
      from ledger.transitions
      group by job_id, attempt
    ) attempts
    where began <> ended or began > 1
    order by job_id, attempt`)
}

/** Jobs that did not end in a finished state, or left one. */
export function jobsLost(sql: Sql): Promise<Violations> {
  return lines(sql`
    select format('#%s %s is %s', job_id, task, status) as line
    from (select distinct on (job_id) * from ledger.transitions order by job_id, number desc) last
    where status not in ('completed', 'failed', 'cancelled', 'expanded')
    union all
    select format('#%s %s went from %s to %s', job_id, task, was, status)
    from ledger.transitions
    where was in ('completed', 'failed', 'cancelled', 'expanded')
    order by line`)
}

/** Jobs of a task that began before one of another, with these arguments the same, had completed. */
export function beganTooSoon(sql: Sql, task: string, needs: string, same: string[]): Promise<Violations> {
  return lines(sql`
    select distinct format('#%s %s began before %s had completed', began.job_id, began.task, ${needs}::text) as line
    from ledger.transitions began
    where began.task = ${task}
      and began.status = 'running'
      and not exists (
        select
        from ledger.transitions ended
        where ended.task = ${needs}
          and ended.status = 'completed'
          and ended.number < began.number
          and not exists (
            select from unnest(${same}::text[]) name where ended.args -> name is distinct from began.args -> name
          )
      )
    order by line`)
}

/**
 * Claims that took a job of a task while another of the same task, higher or older, waited: of jobs that were all there
 * before the first claim, and at their first attempt. Claims are serialised, so their numbers are their order.
 */
export function claimedOutOfOrder(sql: Sql, task: string): Promise<Violations> {
  return lines(sql`
    select format('claim %s took #%s before claim %s took #%s', claim, last[2], next_claim, next_first[2]) as line
    from (
      select
        claim,
        max(array[rank, job_id]) as last,
        lead(claim) over (order by claim) as next_claim,
        lead(min(array[rank, job_id])) over (order by claim) as next_first
      from ledger.transitions
      where task = ${task} and status = 'running' and attempt = 1
      group by claim
    ) claims
    where last > next_first
    order by claim`)
}

/** Arguments with which a task completed more than once. */
export function completedAgain(sql: Sql, task: string): Promise<Violations> {
  return lines(sql`
    select format('%s %s completed %s times', task, args, count(*)) as line
    from ledger.transitions
    where task = ${task} and status = 'completed'
    group by task, args
    having count(*) > 1
    order by line`)
}

async function lines(rows: Promise<{ line?: string }[]>): Promise<Violations> {
  return (await rows).map(({ line }) => String(line))
}
