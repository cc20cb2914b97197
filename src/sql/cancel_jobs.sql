-- Cancels those of these jobs that can be, and returns their ids: one that runs is asked to stop, and for the others what
-- waits for them fails. The caller holds their rows, taken with skip locked; so are those of all that may fail with them
-- here, and their groups; a job whose group, or the row of whose dependent, somebody holds is left for the next bite. So it waits for nobody, and cannot
-- be in a deadlock with a settle that comes to the same rows from the other side.
create or replace function jobmaster.cancel_jobs(job_ids bigint[])
returns bigint[]
language plpgsql volatile
as $fn$
declare
  moment timestamptz := jobmaster.clock();
  held bigint[];
  held_groups bigint[];
  asked bigint[];
  cancelled bigint[];
  cancelled_tasks integer[];
begin
  with stopped as (
    update jobmaster.jobs
    set cancel_requested_at = moment
    where id = any (job_ids) and status = 'running'
    returning id
  )
  select array_agg(id) into asked from stopped;

  held_groups := array(
    select id from jobmaster.groups where id = any (jobmaster.groups_of(job_ids)) and ended_at is null order by id for no key update skip locked
  );
  with recursive affected (id) as (
    select blockers.job_id from jobmaster.blockers where blockers.blocker_id = any (job_ids)
    union
    select blockers.job_id from affected join jobmaster.blockers on blockers.blocker_id = affected.id
  )
  select array(select id from jobmaster.jobs where id in (select id from affected) order by id for update skip locked) into held;

  with recursive affected (target, id) as (
    select blockers.blocker_id, blockers.job_id from jobmaster.blockers where blockers.blocker_id = any (job_ids)
    union
    select affected.target, blockers.job_id from affected join jobmaster.blockers on blockers.blocker_id = affected.id
  ), ended as (
    update jobmaster.jobs
    set status = 'cancelled', finished_at = moment
    where id = any (job_ids)
      and status in ('scheduled', 'waiting', 'blocked')
      and not exists (select from affected where affected.target = jobs.id and affected.id <> all (held))
      and not exists (
        select
        from jobmaster.groups
        where groups.id = any (array[jobs.group_id, jobs.parent_id, case when expands then jobs.id end])
          and ended_at is null
          and groups.id <> all (held_groups)
      )
    returning id, task_id
  )
  select array_agg(id), array_agg(task_id) into cancelled, cancelled_tasks from ended;

  if cancelled is not null then
    perform jobmaster.tally(cancelled_tasks, 'cancelled', moment);
    delete from jobmaster.job_keys where job_id = any (cancelled);
    delete from jobmaster.blockers where job_id = any (cancelled);
    delete from jobmaster.group_waits where job_id = any (cancelled);
    perform jobmaster.wake_dependents(cancelled, jobmaster.groups_of(cancelled));
  end if;
  return coalesce(asked || cancelled, '{}');
end
$fn$;
