-- Takes back the jobs of expired leases: their invocation ended without a word, which is so once the last of its leases is
-- over. A job that was lost alone, the only one that its invocation held, counts a failed attempt; it waits again, due
-- since now, or has failed for good when no attempt is left. Of several that were lost together one may have killed the others: none counts it, and each is tried alone the next
-- time (suspect), so that a job that kills its invocations is found and the rest do not pay for it. A job whose settle is
-- under way is left to it.
-- Before the claim lock: jobs that fail here fail their dependents, which waits for rows.
create or replace function jobmaster.take_back(moment timestamptz)
returns void
language plpgsql volatile
as $fn$
declare
  ended bigint[];
begin
  -- What an invocation held is counted as this snapshot has it, and not among the rows locked here: where two take back at
  -- once, each may get a part of it. All of it is taken in one go, so that the last one does not look lost alone.
  with ended_invocation as materialized (
    select invocation, held = 1 as alone
    from (
      select invocation, count(*) as held, sum(count(*)) over (order by min(claim), invocation) as all_held
      from jobmaster.jobs
      where status = 'running'
      group by invocation
      having max(lease_until) <= moment
    ) over_now
    where all_held - held < 1000
  ), expired as materialized (
    select found.id, ended_invocation.alone
    from (
      select id, invocation
      from jobmaster.jobs
      where status = 'running'
        and lease_until <= moment
        and invocation = any (array(select invocation from ended_invocation))
      order by id
      for update skip locked
    ) found
    join ended_invocation on ended_invocation.invocation = found.invocation
  ), lost as (
    update jobmaster.jobs job
    set (status, finished_at) = (
        select next.status, case when next.status <> 'waiting' then moment end
        from (
          select case
            when job.cancel_requested_at is not null then 'cancelled'
            when expired.alone and job.failures + 1 >= job.max_attempts then 'failed'
            else 'waiting'
          end as status
        ) next
      ),
      run_at = moment,
      failures = job.failures + expired.alone::integer,
      suspect = true,
      lease_until = null,
      invocation = null,
      error = jsonb_build_object(
        'name', 'LeaseLost',
        'message', format('attempt %s: its invocation ended without settling it (it was killed, or ran past its limit)', job.attempt)
      )
    from expired
    where job.id = expired.id
    returning job.id, job.task_id, job.finished_at, job.attempt, job.started_at, job.system, job.error
  ), counted as (
    insert into jobmaster.tallies (minute, task_id, outcome, jobs)
    select date_trunc('minute', moment), task_id, 'lost', count(*)
    from lost
    group by task_id
  ), noted as (
    insert into jobmaster.attempts (job_id, attempt, started_at, finished_at, outcome, system, error)
    select id, attempt, started_at, moment, 'lost', system, error
    from lost
    on conflict (job_id, attempt) do nothing
  )
  select array_agg(id) filter (where finished_at is not null) into ended from lost;

  if ended is not null then
    perform jobmaster.tally(array_agg(task_id), status, moment)
    from jobmaster.jobs
    where id = any (ended)
    group by status;
    delete from jobmaster.job_keys where job_id = any (ended);
    perform jobmaster.wake_dependents(ended, jobmaster.groups_of(ended));
  end if;
end
$fn$;
