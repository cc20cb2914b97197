-- The oldest job with this key that is waiting, blocked, running or backing off: one that a dependency can wait for.
create or replace function jobmaster.active_job(shape integer, wanted jsonb)
returns bigint
language sql stable
as $fn$
  select job.id
  from jobmaster.job_keys
  join jobmaster.jobs job on job.id = job_keys.job_id
  where job_keys.shape_id = shape
    and job_keys.key_hash = jsonb_hash_extended(wanted, 0)
    and job_keys.key = wanted
    and job.finished_at is null
  order by job_keys.job_id
  limit 1
$fn$;
