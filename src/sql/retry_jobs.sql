-- Makes failed and cancelled jobs waiting again, as if they had never run. The caller holds their rows. Returns how many.
create or replace function jobmaster.retry_jobs(job_ids bigint[])
returns integer
language plpgsql volatile
as $fn$
begin
  update jobmaster.jobs
  set status = 'waiting',
    finished_at = null,
    failures = 0,
    suspect = false,
    error = null,
    cancel_requested_at = null,
    blocked_at = null,
    run_at = jobmaster.clock()
  where id = any (job_ids);
  perform jobmaster.write_keys(job_ids);
  return cardinality(job_ids);
end
$fn$;
