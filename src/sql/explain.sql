-- Why a job does not run, or what became of it: a sentence a line, each reason by its name first. Raises JM011.
-- For people; the clock of leases is the database's.
create or replace function jobmaster.explain(job_id bigint)
returns text
language plpgsql stable
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  moment timestamptz := jobmaster.clock();
  job record;
  task jobmaster.tasks;
  reasons text[] := '{}';
  running integer;
  rate_since timestamptz;
  holders text;
  pool record;
  ahead bigint;
  kept record;
begin
  select * into job from jobmaster.jobs where id = job_id;
  if not found then
    raise exception using errcode = 'JM011', message = format('there is no job #%s', job_id);
  end if;
  select * into task from jobmaster.tasks where id = job.task_id;

  if job.status = 'running' then
    reasons := reasons || format('running: attempt %s, on %s since %s, its own until %s', job.attempt, job.system,
      to_char(job.started_at, 'HH24:MI:SS'), to_char(job.lease_until, 'HH24:MI:SS'));
    if job.lease_until <= moment then
      reasons := reasons || 'lease: it is over; the next claim takes the job back'::text;
    end if;
    if job.cancel_requested_at is not null then
      reasons := reasons || 'cancelled: its invocation stops it when it next calls'::text;
    end if;
  elsif job.status = 'scheduled' then
    reasons := reasons || case
      when job.attempt > 0 then format('backing off: attempt %s failed (%s of %s counted), tried again at %s: %s', job.attempt,
        job.failures, job.max_attempts, to_char(job.run_at, 'YYYY-MM-DD HH24:MI:SS'), coalesce(job.error ->> 'message', ''))
      else format('not due: set for %s, now is %s', to_char(job.run_at, 'YYYY-MM-DD HH24:MI:SS'), to_char(moment, 'YYYY-MM-DD HH24:MI:SS'))
    end;
  elsif job.status = 'blocked' then
    reasons := reasons || array(
      select format('dependencies: waits for %s.%s #%s, which is %s', target.type_key, target.task_key, blocker.id, blocker.status)
      from jobmaster.blockers
      join jobmaster.jobs blocker on blocker.id = blockers.blocker_id
      join jobmaster.tasks target on target.id = blocker.task_id
      where blockers.job_id = job.id
      order by blocker.id
    ) || array(
      select format('group: waits for group %s: %s of %s left', waits.group_id, member.jobs_left, jobmaster.counted(member.jobs::text, 'job'))
      from jobmaster.group_waits waits
      cross join lateral (
        select count(*) as jobs, count(*) filter (where other.finished_at is null) as jobs_left
        from jobmaster.group_members(waits.group_id) other
      ) member
      where waits.job_id = job.id
      order by waits.group_id
    );
  elsif job.status = 'expanded' then
    reasons := reasons || (
      select format('expanded: became %s jobs, #%s to #%s', count(*), min(child.id), max(child.id))
      from jobmaster.jobs child
      where child.parent_id = job.id and child.id > job.id
    );
  elsif job.status <> 'waiting' then
    reasons := reasons || format('%s: at %s, attempt %s%s', job.status, to_char(job.finished_at, 'YYYY-MM-DD HH24:MI:SS'),
      job.attempt, coalesce(': ' || (job.error ->> 'message'), ''));
  else
    if task.retired_at is not null then
      reasons := reasons || 'retired: no deployed code has this task; deploy code that has it, or cancel the job'::text;
    end if;
    if task.paused_at is not null then
      reasons := reasons || format('paused: the task, since %s', to_char(task.paused_at, 'YYYY-MM-DD HH24:MI:SS'));
    end if;
    if task.process_limit is not null then
      select max(other.place), string_agg('#' || other.id, ', ' order by other.place) filter (where other.place <= 10)
      into running, holders
      from (
        select id, row_number() over (order by id) as place
        from jobmaster.jobs
        where status = 'running'
          and task_id = task.id
          and (task.process_limit_per is null or jobmaster.limit_key(task.process_limit_per, args) = jobmaster.limit_key(task.process_limit_per, job.args))
      ) other;
      if running >= task.process_limit then
        reasons := reasons || format('process limit: %s of %s running%s: %s%s', running, task.process_limit,
          case when task.process_limit_per is not null then ' with ' || jobmaster.shape_key(task.process_limit_per, job.args)::text end, holders,
          case when running > 10 then ' and ' || running - 10 || ' more' else '' end);
      end if;
    end if;
    if task.rate_limit is not null then
      select count(*), min(recent.started_at)
      into running, rate_since
      from (
        select starts.started_at
        from jobmaster.starts
        where starts.task_id = task.id
          and starts.limit_key = coalesce(jobmaster.limit_key(task.rate_limit_per, job.args), 0)
          and starts.started_at > moment - task.rate_seconds * interval '1 second'
        order by starts.started_at desc
        limit task.rate_limit
      ) recent;
      if running >= task.rate_limit then
        reasons := reasons || format('rate limit: %s of %s started%s in %s seconds; the next may at %s', running, task.rate_limit,
          case when task.rate_limit_per is not null then ' with ' || jobmaster.shape_key(task.rate_limit_per, job.args)::text end, task.rate_seconds,
          to_char(rate_since + task.rate_seconds * interval '1 second', 'YYYY-MM-DD HH24:MI:SS'));
      end if;
    end if;
    for pool in
      select
        systems.name,
        systems.paused_at,
        systems.process_units as units,
        systems.process_units - coalesce(sum(other.process_units), 0) as free,
        string_agg(holder.type_key || '.' || holder.task_key || ' #' || other.id, ', ' order by other.id) as held_by,
        max(other.lease_until) as until
      from jobmaster.systems
      left join jobmaster.jobs other on other.status = 'running' and other.system = systems.name
      left join jobmaster.tasks holder on holder.id = other.task_id
      group by systems.name
      order by systems.name
    loop
      if pool.paused_at is not null then
        reasons := reasons || format('paused: the system %s, since %s', pool.name, to_char(pool.paused_at, 'YYYY-MM-DD HH24:MI:SS'));
      elsif task.process_units > pool.free then
        reasons := reasons || format('units: needs %s, %s of %s free on %s%s', task.process_units, pool.free, pool.units, pool.name,
          coalesce(', held by ' || left(pool.held_by, 200) || ' until ' || to_char(pool.until, 'HH24:MI:SS'), ''));
      else
        -- As in choose: what has waited for a minute is not passed over any longer by what stands behind it.
        select head.id, head.run_at, other.type_key || '.' || other.task_key as name, other.process_units
        into kept
        from jobmaster.tasks other
        cross join lateral (
          select first.id, first.rank, first.run_at
          from jobmaster.jobs first
          where first.status = 'waiting' and first.task_id = other.id
          order by first.rank, first.id
          limit 1
        ) head
        where other.process_units > pool.free
          and other.process_units <= pool.units
          and other.retired_at is null
          and other.paused_at is null
          and head.run_at <= moment - interval '1 minute'
          and (head.rank, head.id) < (job.rank, job.id)
        order by head.rank, head.id
        limit 1;
        if found then
          reasons := reasons || format('kept: %s of %s units are free on %s, but kept for %s #%s, which needs %s and has waited since %s',
            pool.free, pool.units, pool.name, kept.name, kept.id, kept.process_units, to_char(kept.run_at, 'HH24:MI:SS'));
        end if;
      end if;
    end loop;
    if reasons = '{}' then
      select count(*) into ahead from jobmaster.jobs other
      where other.status = 'waiting' and (other.rank, other.id) < (job.rank, job.id);
      reasons := reasons || format('ready: the next invocation takes it, %s', case ahead when 0 then 'first' when 1 then 'after 1 other job' else 'after ' || ahead || ' other jobs' end);
    end if;
    if task.timeout_ms is not null then
      reasons := reasons || format('timeout: it starts where %s ms are left before the deadline, or first in its invocation', task.timeout_ms);
    end if;
    if job.suspect then
      reasons := reasons || 'alone: its invocation was lost, so it starts only where nothing else runs beside it'::text;
    end if;
    if job.attempt > 0 and job.error is not null then
      reasons := reasons || format('last attempt: %s failed (%s of %s counted): %s', job.attempt, job.failures, job.max_attempts, job.error ->> 'message');
    end if;
  end if;
  return format('%s.%s #%s is %s', task.type_key, task.task_key, job.id, job.status) || E'\n' || array_to_string(reasons, E'\n');
end
$fn$;
