-- Changes the priority of a job that has not started, or when it may start, or both; null leaves as it is. Returns its
-- status. One that is set for later looks at its dependencies when it is due; what waits for it waits on. A raised
-- priority is handed to what it is blocked on. One that waits for a group goes on waiting. Raises JM008, JM011 and JM012. Waits for the job's row, and no other.
create or replace function jobmaster.change(job_id bigint, priority integer default null, run_at timestamptz default null)
returns text
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  moment timestamptz := jobmaster.clock();
  job jobmaster.jobs;
  next_status text;
  waits boolean;
begin
  select * into job from jobmaster.jobs where id = job_id for update;
  if not found then
    raise exception using errcode = 'JM011', message = format('there is no job #%s', job_id);
  elsif job.status not in ('scheduled', 'waiting', 'blocked') then
    raise exception using
      errcode = 'JM012',
      message = format('job #%s is %s: only a job that waits can be changed', job_id, job.status);
  elsif priority not between -1000000000 and 1000000000 then
    raise exception using
      errcode = 'JM008',
      column = 'priority',
      message = format('change: priority must be a whole number between -1000000000 and 1000000000, got %s', priority);
  elsif run_at not between timestamptz '0001-01-01 00:00:00Z' and timestamptz '9999-12-31 00:00:00Z' then
    raise exception using
      errcode = 'JM008',
      column = 'runAt',
      message = format('change: run_at must be a time in the years 1 to 9999, got %s', run_at);
  end if;

  waits := exists (select from jobmaster.group_waits where group_waits.job_id = change.job_id);
  next_status := case
    when waits then job.status
    when change.run_at > moment then 'scheduled'
    when change.run_at is not null and job.status = 'scheduled' then 'waiting'
    else job.status
  end;
  update jobmaster.jobs
  set priority = coalesce(change.priority, jobs.priority),
    rank = -coalesce(change.priority, jobs.priority),
    run_at = coalesce(change.run_at, jobs.run_at),
    status = next_status,
    blocked_at = case when next_status <> 'scheduled' then blocked_at end
  where id = job_id;
  if next_status = 'scheduled' then
    delete from jobmaster.blockers where blockers.job_id = change.job_id;
    if job.attempt = 0 then
      -- Set for later, it is not one that a dependency may find.
      delete from jobmaster.job_keys where job_keys.job_id = change.job_id;
    end if;
  elsif not waits then
    perform jobmaster.write_keys(array[job_id]);
  end if;
  if next_status = 'blocked' and change.priority > job.priority then
    perform jobmaster.raise_priority(blockers.blocker_id, least(change.priority + 1, 1000000000))
    from jobmaster.blockers
    where blockers.job_id = change.job_id
    order by blockers.blocker_id;
  end if;
  return next_status;
end
$fn$;
