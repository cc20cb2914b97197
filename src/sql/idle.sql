-- What an invocation that was given no job needs to know: why, what is left, when to come back, and which of what it runs
-- is to stop, which else the claim says. See settle_and_claim.
create or replace function jobmaster.idle(request jsonb)
returns jsonb
language plpgsql volatile
as $fn$
declare
  moment timestamptz := jobmaster.clock();
  remaining bigint;
  wake_at timestamptz;
  is_paused boolean;
  waits text := 'empty';
  skew jsonb;
  rate_at timestamptz;
  asked bigint[];
begin
  -- Asked together, since each question of its own costs a call.
  select
    (select count(*) from jobmaster.jobs where status = 'waiting'),
    exists (select from jobmaster.systems where name = request ->> 'system' and paused_at is not null),
    min(over_at),
    max(held.asked) filter (where invocation = (request ->> 'invocation')::uuid)
  into remaining, is_paused, wake_at, asked
  from (
    select invocation, max(lease_until) as over_at, array_agg(id) filter (where cancel_requested_at is not null) as asked
    from jobmaster.jobs
    where status = 'running'
    group by invocation
  ) held;
  if not is_paused then
    wake_at := least(wake_at, jobmaster.next_due());
  end if;

  if remaining > 0 then
    select
      jsonb_agg(task.name order by task.name) filter (where not task.known and not task.paused),
      case
        when is_paused or bool_and(task.paused) then 'paused'
        when bool_or(task.known and not task.fits and not task.paused) and not bool_or(task.known and task.fits and not task.paused)
        then 'deadline'
        when bool_or(task.known and not task.paused) then 'capacity'
        else 'empty'
      end
    into skew, waits
    from (
      select
        type_key || '.' || task_key as name,
        coalesce(hash = request -> 'tasks' ->> (type_key || '.' || task_key), false) as known,
        coalesce(timeout_ms <= (request ->> 'time_left_ms')::double precision, true) as fits,
        paused_at is not null as paused
      from jobmaster.tasks
      where retired_at is null
        and exists (select from jobmaster.jobs where status = 'waiting' and task_id = tasks.id)
    ) task;
  end if;

  if waits = 'capacity' and exists (select from jobmaster.tasks where rate_limit is not null) then
    rate_at := jobmaster.rate_frees(request -> 'tasks', moment);
    wake_at := least(wake_at, rate_at);
  end if;

  return jsonb_build_object(
    'stop', waits,
    'cancel', asked,
    'remaining', remaining,
    'wake_ms', case when wake_at is not null then greatest(0, ceil(extract(epoch from wake_at - moment) * 1000)) end,
    'rate_ms', case when rate_at is not null then greatest(0, ceil(extract(epoch from rate_at - moment) * 1000)) end,
    'skew', coalesce(skew, '[]')
  );
end
$fn$;
