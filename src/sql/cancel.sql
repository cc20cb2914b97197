-- Cancels a job and returns its status. One that runs is asked to stop: its signal fires when its invocation next calls,
-- and it is cancelled unless it completes all the same. What waits for a cancelled job fails. Raises JM011 and JM012.
-- Waits for rows. A blocked job is locked with all that may fail with it, in id order, as by the settle of what it waits
-- for: see wake_dependents; of one that waits for a group its own groups first, see hold_groups. One that runs is locked by itself: its own settle has it first, and then those that wait for it.
create or replace function jobmaster.cancel(job_id bigint)
returns text
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  job jobmaster.jobs;
  affected_jobs bigint[];
begin
  perform jobmaster.hold_groups(cancel.job_id);
  with recursive affected (id) as (
    select jobs.id from jobmaster.jobs where jobs.id = cancel.job_id and jobs.status = 'blocked'
    union
    select blockers.job_id
    from affected
    join jobmaster.blockers on blockers.blocker_id = affected.id
  )
  select array_agg(id) into affected_jobs from affected;
  perform from jobmaster.jobs where id = any (affected_jobs) order by id for update;
  select * into job from jobmaster.jobs where id = job_id for update;
  if not found then
    raise exception using errcode = 'JM011', message = format('there is no job #%s', job_id);
  elsif job.status = 'running' then
    update jobmaster.jobs set cancel_requested_at = coalesce(cancel_requested_at, jobmaster.clock()) where id = job_id;
  elsif job.status in ('completed', 'failed', 'expanded') then
    raise exception using
      errcode = 'JM012',
      message = format('job #%s is %s: only a job that has not finished can be cancelled', job_id, job.status);
  elsif job.status <> 'cancelled' then
    update jobmaster.jobs set status = 'cancelled', finished_at = jobmaster.clock() where id = job_id;
    perform jobmaster.tally(array[job.task_id], 'cancelled', jobmaster.clock());
    delete from jobmaster.job_keys where job_keys.job_id = cancel.job_id;
    delete from jobmaster.blockers where blockers.job_id = cancel.job_id;
    delete from jobmaster.group_waits where group_waits.job_id = cancel.job_id;
    perform jobmaster.wake_dependents(array[job_id], jobmaster.groups_of(array[job_id]));
    return 'cancelled';
  end if;
  return job.status;
end
$fn$;

-- The same for the jobs of a filter, {"status", "task", "limit"}: see filtered. A bite of at most limit, 1,000 when it is
-- not given. Returns {"jobs": how many, "more": whether some are left}; again until none is. Those that a job of the bite
-- fails with it are not counted. Raises JM001 and JM008. Waits for nobody: what is locked is left for the next bite.
create or replace function jobmaster.cancel(filter jsonb)
returns jsonb
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  condition text := jobmaster.filtered('cancel', filter, '{scheduled,waiting,blocked,running}');
begin
  return jobmaster.bitten(cardinality(jobmaster.cancel_jobs(jobmaster.bite('cancel', filter, condition))), condition);
end
$fn$;

create or replace function jobmaster.cancel(filter text)
returns jsonb
language sql volatile
as $fn$
  select jobmaster.cancel(filter::jsonb)
$fn$;
