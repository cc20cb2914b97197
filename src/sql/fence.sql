-- Raises JM016 unless the job runs under this attempt of this invocation: first in the transaction of a handler's commit,
-- so that nothing else of it is tried in vain. Locks nothing: complete, the last in it, looks again.
create or replace function jobmaster.fence(job_id bigint, attempt integer, invocation uuid)
returns void
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  job jobmaster.jobs;
begin
  select * into job from jobmaster.jobs where id = job_id;
  if job.status = 'running' and job.attempt = fence.attempt and job.invocation = fence.invocation then
    return;
  end if;
  raise exception using
    errcode = 'JM016',
    message = format('attempt %s of job #%s cannot commit: ', fence.attempt, job_id) || case
      when job.id is null then 'there is no such job'
      when job.attempt = fence.attempt and job.invocation = fence.invocation and job.status = 'completed'
      then 'it has completed, and a job completes once'
      when job.attempt = fence.attempt then 'its lease was over and the job was taken back; it is ' || job.status
      else format('the job is %s, at attempt %s', job.status, job.attempt)
    end;
end
$fn$;
