-- Settles the jobs that wait for these groups, all of which have ended. What was to run only in the other case is deleted;
-- one whose group has not completed, which it was to, fails; one that waits for no other group may run, or is set for later.
-- Waits for the rows of those jobs, in id order. Nothing else waits for them meanwhile: they have no keys to be found by.
create or replace function jobmaster.end_waits(group_ids bigint[])
returns void
language plpgsql volatile
as $fn$
declare
  moment timestamptz := jobmaster.clock();
  waiters bigint[];
  failed_tasks integer[];
begin
  select array_agg(distinct job_id) into waiters from jobmaster.group_waits where group_id = any (group_ids);
  if waiters is null then
    return;
  end if;
  perform from jobmaster.jobs where id = any (waiters) order by id for update;

  perform jobmaster.delete_jobs(array(
    select waits.job_id
    from jobmaster.group_waits waits
    join jobmaster.groups ended on ended.id = waits.group_id
    where waits.group_id = any (group_ids) and waits.condition = case when ended.failures > 0 then 'onComplete' else 'onFailed' end
  ));
  with reason as (
    select distinct on (waits.job_id) waits.job_id, format(
      'group %s, which this job waits for, did not complete: %s%s',
      ended.id,
      ended.failure,
      case when ended.failures > 1 then format(' (and %s more)', ended.failures - 1) end
    ) as message
    from jobmaster.group_waits waits
    join jobmaster.groups ended on ended.id = waits.group_id
    where waits.group_id = any (group_ids) and waits.condition = 'completed' and ended.failures > 0
    order by waits.job_id, ended.id
  ), doomed as (
    update jobmaster.jobs job
    set status = 'failed', finished_at = moment, error = jsonb_build_object('name', 'DependencyFailed', 'message', left(reason.message, 2000))
    from reason
    where job.id = reason.job_id and job.status = 'blocked'
    returning job.task_id
  )
  select array_agg(task_id) into failed_tasks from doomed;
  perform jobmaster.tally(failed_tasks, 'failed', moment);

  delete from jobmaster.group_waits
  where group_id = any (group_ids)
    or job_id = any (array(select id from jobmaster.jobs where id = any (waiters) and status <> 'blocked'));
  update jobmaster.jobs
  set status = case when run_at > moment then 'scheduled' else 'waiting' end
  where id = any (waiters)
    and status = 'blocked'
    and not exists (select from jobmaster.group_waits waits where waits.job_id = jobs.id);
  perform jobmaster.write_keys(array(select id from jobmaster.jobs where id = any (waiters) and status = 'waiting'));
end
$fn$;
