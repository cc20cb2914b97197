-- Ends those of these groups whose jobs have all ended, and settles what waits for them: see end_waits.
-- Call it in a later statement than the one that ended the jobs, after wake_dependents, and before the claim lock: it waits
-- for rows. Two jobs that end together, each in a transaction that cannot see the other, do not both miss that the group
-- is over: each locks the group until it commits, and looks in a later statement, so the second sees what the first did.
-- Groups are locked in id order, those included that a job which waits here is of and may fail: these have higher ids, since
-- a job waits for a group that was there before it. The lock leaves inserts of jobs that wait alone; only where the group
-- ends are they waited for (for update), so that none waits for a group that ended unseen.
create or replace function jobmaster.end_groups(group_ids bigint[])
returns void
language plpgsql volatile
as $fn$
declare
  moment timestamptz := jobmaster.clock();
  open_groups bigint[];
  over_now bigint[];
  late_groups bigint[];
begin
  with recursive reached (id) as (
    select open.id from jobmaster.groups open where open.id = any (group_ids) and open.ended_at is null
    union
    select job.group_id
    from reached
    join jobmaster.group_waits waits on waits.group_id = reached.id
    join jobmaster.jobs job on job.id = waits.job_id
    where job.group_id is not null
  )
  select array_agg(id order by id) into open_groups from reached;
  if open_groups is null then
    return;
  end if;
  perform from jobmaster.groups where id = any (open_groups) and ended_at is null order by id for no key update;

  loop
    over_now := array(
      select id
      from jobmaster.groups
      where id = any (open_groups)
        and ended_at is null
        -- A few probes of an index, whatever the size of the group.
        and not exists (
          select from jobmaster.group_members(id) member where member.status = any ('{blocked,running,scheduled,waiting}')
        )
      order by id
    );
    exit when over_now = '{}';
    perform from jobmaster.groups where id = any (over_now) order by id for update;
    -- Those of jobs that were inserted while this waited.
    select array_agg(distinct job.group_id)
    into late_groups
    from jobmaster.group_waits waits
    join jobmaster.jobs job on job.id = waits.job_id
    where waits.group_id = any (over_now) and job.group_id <> all (open_groups);
    if late_groups is not null then
      perform from jobmaster.groups where id = any (late_groups) order by id for no key update;
      open_groups := open_groups || late_groups;
    end if;

    update jobmaster.groups
    set ended_at = moment,
      jobs = counted.jobs,
      failures = counted.failures,
      failure = (
        select format('%s.%s #%s %s', task.type_key, task.task_key, job.id, case job.status
          when 'failed' then 'failed: ' || left(coalesce(job.error ->> 'message', ''), 1500)
          else 'was cancelled'
        end)
        from jobmaster.jobs job
        join jobmaster.tasks task on task.id = job.task_id
        where job.id = counted.first_failed
      ),
      on_complete = case when counted.failures = 0 then on_complete end,
      on_failed = case when counted.failures > 0 then on_failed end
    from (
      select
        over_id,
        count(member.id) as jobs,
        count(member.id) filter (where member.status <> 'completed') as failures,
        min(member.id) filter (where member.status <> 'completed') as first_failed
      from unnest(over_now) over_id
      left join lateral jobmaster.group_members(over_id) member on true
      group by over_id
    ) counted
    where groups.id = counted.over_id;
    perform jobmaster.end_waits(over_now);
  end loop;
end
$fn$;
