-- Deletes a job that does not run, with all that is kept of it. What waits for one that has not finished fails, as when
-- it is cancelled. What it completed stays fresh. Raises JM011 and JM012.
create or replace function jobmaster.delete(job_id bigint)
returns void
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  job jobmaster.jobs;
begin
  perform jobmaster.hold_groups(job_id);
  select * into job from jobmaster.jobs where id = job_id for update;
  if not found then
    raise exception using errcode = 'JM011', message = format('there is no job #%s', job_id);
  elsif job.status = 'running' then
    raise exception using
      errcode = 'JM012',
      message = format('job #%s is running: cancel it, and delete it once it has ended', job_id);
  elsif job.finished_at is null then
    perform jobmaster.cancel(job_id);
  end if;
  perform jobmaster.delete_jobs(array[job_id]);
end
$fn$;

-- The same for the jobs of a filter, {"status", "task", "limit"}: see filtered. Without a status it is those that have
-- finished. A bite of at most limit, 1,000 when it is not given. Returns {"jobs": how many, "more": whether some are
-- left}. Raises JM001 and JM008. Waits for nobody: what is locked is left for the next bite.
create or replace function jobmaster.delete(filter jsonb)
returns jsonb
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  condition text := jobmaster.filtered('delete', filter, case
    when filter ->> 'status' is not null then '{scheduled,waiting,blocked,completed,failed,cancelled,expanded}'::text[]
    else '{completed,failed,cancelled,expanded}'
  end);
  job_ids bigint[] := jobmaster.bite('delete', filter, condition);
begin
  if filter ->> 'status' in ('scheduled', 'waiting', 'blocked') then
    job_ids := jobmaster.cancel_jobs(job_ids);
  end if;
  perform jobmaster.delete_jobs(job_ids);
  return jobmaster.bitten(cardinality(job_ids), condition);
end
$fn$;

create or replace function jobmaster.delete(filter text)
returns jsonb
language sql volatile
as $fn$
  select jobmaster.delete(filter::jsonb)
$fn$;
