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
  update jobmaster.jobs
  set status = 'waiting',
    finished_at = null,
    failures = 0,
    suspect = false,
    error = null,
    cancel_requested_at = null,
    blocked_at = null,
    run_at = jobmaster.clock()
  where id = job_id;
  perform jobmaster.write_keys(array[job_id]);
  return 'waiting';
end
$fn$;
