-- What pause and resume do: writes since when a task, a system or a schedule is paused, or null. Returns it. A schedule that
-- is resumed goes on with the ticks that are to come. Waits for that one row.
create or replace function jobmaster.set_paused(verb text, of_task text, of_system text, of_schedule text, since timestamptz)
returns timestamptz
language plpgsql volatile
as $fn$
begin
  if num_nonnulls(of_task, of_system, of_schedule) <> 1 then
    raise exception using errcode = 'JM008', message = format('%s: name a task, a system or a schedule, one of them', verb);
  end if;
  if of_task is not null then
    update jobmaster.tasks
    set paused_at = case when since is not null then coalesce(paused_at, since) end
    where type_key || '.' || task_key = of_task and retired_at is null
    returning paused_at into since;
    if not found then
      raise exception using errcode = 'JM001', message = jobmaster.unknown_task(of_task);
    end if;
  elsif of_schedule is not null then
    since := jobmaster.set_schedule_paused(of_schedule, since);
  else
    update jobmaster.systems
    set paused_at = case when since is not null then coalesce(paused_at, since) end
    where name = of_system
    returning paused_at into since;
    if not found then
      raise exception using
        errcode = 'JM015',
        message = format('unknown system %s (%s)', of_system, coalesce(
          (select 'known: ' || string_agg(name, ', ' order by name) from jobmaster.systems),
          'no invocation has run yet'
        ));
    end if;
  end if;
  return since;
end
$fn$;
