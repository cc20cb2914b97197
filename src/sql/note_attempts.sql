-- Keeps what became of attempts that did not complete, as settle has just written them; those that were released never
-- began. A repeat of the call keeps nothing twice. Of each job the newest 100 are kept. The caller holds the jobs' rows.
create or replace function jobmaster.note_attempts(request jsonb, moment timestamptz)
returns void
language plpgsql volatile
as $fn$
declare
  by_id jsonb;
  job_ids bigint[];
  long_tried bigint[];
begin
  select jsonb_object_agg(value ->> 'id', value), array_agg((value ->> 'id')::bigint)
  into by_id, job_ids
  from jsonb_array_elements(request -> 'outcomes')
  where value ->> 'outcome' <> 'released';
  if job_ids is null then
    return;
  end if;

  -- = any, and not a join: see settle.
  with noted as (
    insert into jobmaster.attempts (job_id, attempt, started_at, finished_at, outcome, system, error)
    select
      job.id,
      job.attempt,
      job.started_at,
      moment,
      case when job.status = 'cancelled' then 'cancelled' when by_id -> job.id::text ->> 'outcome' = 'interrupted' then 'interrupted' else 'failed' end,
      job.system,
      by_id -> job.id::text -> 'error'
    from jobmaster.jobs job
    where job.id = any (job_ids)
      and job.attempt = (by_id -> job.id::text ->> 'attempt')::integer
      and job.lease_until is null
      and job.invocation = (request ->> 'invocation')::uuid
    on conflict (job_id, attempt) do nothing
    returning job_id, attempt
  )
  select array_agg(job_id) filter (where attempt > 100) into long_tried from noted;
  if long_tried is not null then
    delete from jobmaster.attempts
    using jobmaster.jobs job
    where attempts.job_id = any (long_tried) and job.id = attempts.job_id and attempts.attempt <= job.attempt - 100;
  end if;
end
$fn$;
