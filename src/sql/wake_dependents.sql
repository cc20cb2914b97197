-- What finished jobs mean for those that wait for them: one that failed or was cancelled fails its dependents, and
-- theirs; a job with no blocker left is waiting again. Returns how many dependents failed.
-- Call it in a later statement than the one that finished the jobs, and before the claim lock: it waits for rows, in id
-- order over all that may fail with these, since two that came to the same rows from different sides would deadlock. The statements after the wait see what others finished meanwhile, so two blockers that end together, each in a
-- transaction that cannot see the other, still wake their dependent: the second to lock it does. Last it ends the groups, if
-- they are over: those that are given, which the finished jobs are of, and those of the dependents that failed.
create or replace function jobmaster.wake_dependents(finished bigint[], in_groups bigint[])
returns integer
language plpgsql volatile
as $fn$
declare
  moment timestamptz := jobmaster.clock();
  dependents bigint[];
  failed bigint[];
  failed_tasks integer[];
  woken bigint[];
  all_failed bigint[] := '{}';
begin
  with recursive affected (id, fails) as (
    select blockers.job_id, blocker.status in ('failed', 'cancelled')
    from jobmaster.blockers
    join jobmaster.jobs blocker on blocker.id = blockers.blocker_id
    where blockers.blocker_id = any (finished)
    union
    select blockers.job_id, true
    from affected
    join jobmaster.blockers on blockers.blocker_id = affected.id
    where affected.fails
  )
  select array_agg(distinct id) into dependents from affected;
  if dependents is not null then
    perform from jobmaster.jobs where id = any (dependents) order by id for update;
  end if;

  while dependents is not null loop
    select array_agg(distinct job_id order by job_id) into dependents
    from jobmaster.blockers
    where blocker_id = any (finished);
    exit when dependents is null;

    -- Those that a claim has blocked meanwhile.
    perform from jobmaster.jobs where id = any (dependents) order by id for update;

    with reason as (
      select distinct on (blockers.job_id) blockers.job_id, format(
        '%s.%s #%s, which this job depends on, %s',
        task.type_key,
        task.task_key,
        blocker.id,
        case blocker.status when 'failed' then 'failed: ' || coalesce(blocker.error ->> 'message', '') else 'was cancelled' end
      ) as message
      from jobmaster.blockers
      join jobmaster.jobs blocker on blocker.id = blockers.blocker_id
      join jobmaster.tasks task on task.id = blocker.task_id
      where blockers.job_id = any (dependents) and blocker.status in ('failed', 'cancelled')
      order by blockers.job_id, blocker.id
    ), ended as (
      update jobmaster.jobs job
      set status = 'failed',
        finished_at = moment,
        error = jsonb_build_object('name', 'DependencyFailed', 'message', left(reason.message, 2000))
      from reason
      where job.id = reason.job_id and job.status = 'blocked'
      returning job.id, job.task_id
    )
    select array_agg(id), array_agg(task_id) into failed, failed_tasks from ended;

    with ready as (
      update jobmaster.jobs job
      set status = 'waiting'
      where job.id = any (dependents)
        and job.status = 'blocked'
        and not exists (
          select
          from jobmaster.blockers
          join jobmaster.jobs blocker on blocker.id = blockers.blocker_id
          -- Nor one that has just failed above: its dependents fail in the next round.
          where blockers.job_id = job.id and blocker.status <> 'completed'
        )
      returning job.id
    )
    select array_agg(id) into woken from ready;

    delete from jobmaster.blockers where job_id = any (woken || failed);
    exit when failed is null;
    perform jobmaster.tally(failed_tasks, 'failed', moment);
    delete from jobmaster.job_keys where job_id = any (failed);
    all_failed := all_failed || failed;
    finished := failed;
  end loop;
  if all_failed <> '{}' then
    in_groups := in_groups || jobmaster.groups_of(all_failed);
  end if;
  if in_groups is not null then
    perform jobmaster.end_groups(in_groups);
  end if;
  return cardinality(all_failed);
end
$fn$;
