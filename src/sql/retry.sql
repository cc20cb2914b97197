-- Makes a failed or cancelled job waiting again, with all its attempts before it. Raises JM011 and JM012.
create or replace function jobmaster.retry(job_id bigint)
returns text
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  job jobmaster.jobs;
begin
  select * into job from jobmaster.jobs where id = job_id for update;
  if not found then
    raise exception using errcode = 'JM011', message = format('there is no job #%s', job_id);
  elsif job.status not in ('failed', 'cancelled') then
    raise exception using
      errcode = 'JM012',
      message = format('job #%s is %s: only a failed or cancelled job can be retried', job_id, job.status);
  end if;
  perform jobmaster.retry_jobs(array[job_id]);
  return 'waiting';
end
$fn$;

-- The same for the jobs of a filter, {"status", "task", "limit"}: see filtered. Without a status it is those that have
-- failed. A bite of at most limit, 1,000 when it is not given. Returns {"jobs": how many, "more": whether some are left}.
-- Raises JM001 and JM008. Waits for nobody: what is locked is left for the next bite.
create or replace function jobmaster.retry(filter jsonb)
returns jsonb
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  condition text := jobmaster.filtered('retry', case when filter ->> 'status' is null then filter || '{"status": "failed"}' else filter end, '{failed,cancelled}');
begin
  return jobmaster.bitten(jobmaster.retry_jobs(jobmaster.bite('retry', filter, condition)), condition);
end
$fn$;

create or replace function jobmaster.retry(filter text)
returns jsonb
language sql volatile
as $fn$
  select jobmaster.retry(filter::jsonb)
$fn$;
