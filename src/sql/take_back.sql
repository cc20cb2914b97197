-- Takes back the jobs of expired leases: their invocation ended without a word. A job that was lost alone, the only one
-- that its invocation held, counts a failed attempt; it waits again, or has failed for good when no attempt is left.
-- Of several that were lost together one may have killed the others: none counts it, and each is tried alone the next
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
  with expired as materialized (
    select id, count(*) over (partition by invocation) = 1 as alone
    from (
      select id, invocation
      from jobmaster.jobs
      where status = 'running' and lease_until <= moment
      order by claim
      limit 1000
      for update skip locked
    ) found
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
    returning job.id, job.finished_at
  )
  select array_agg(id) filter (where finished_at is not null) into ended from lost;

  if ended is not null then
    delete from jobmaster.job_keys where job_id = any (ended);
    perform jobmaster.wake_dependents(ended);
  end if;
end
$fn$;
