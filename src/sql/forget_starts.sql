-- A job that was handed back before it began has not started: its start counts against no rate. Takes what settle takes.
create or replace function jobmaster.forget_starts(request jsonb)
returns void
language plpgsql volatile
as $fn$
declare
  by_id jsonb;
  job_ids bigint[];
begin
  select jsonb_object_agg(value ->> 'id', value), array_agg((value ->> 'id')::bigint)
  into by_id, job_ids
  from jsonb_array_elements(request -> 'outcomes')
  where value ->> 'outcome' = 'released';
  if job_ids is null then
    return;
  end if;

  -- = any, and not a join: see settle.
  delete from jobmaster.starts
  where starts.job_id = any (job_ids)
    and starts.attempt = (by_id -> starts.job_id::text ->> 'attempt')::integer
    and exists (
      select
      from jobmaster.jobs job
      where job.id = starts.job_id
        and job.attempt = starts.attempt
        and job.lease_until is null
        and job.invocation = (request ->> 'invocation')::uuid
    );
end
$fn$;
