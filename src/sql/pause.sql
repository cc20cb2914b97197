-- Pauses a task, everywhere, or a system: nothing of it is claimed until it is resumed; what runs goes on to its end. Or a
-- schedule: its ticks pass by, and are not caught up with.
-- Returns since when it is paused: the first time that it was. Raises JM001, JM008, JM015 and JM017 for what there is not.
-- pause(task => 'cool.bar'), pause(system => 'default'), pause(schedule => 'cool.nightly').
create or replace function jobmaster.pause(
  task text default null, system text default null, schedule text default null
)
returns timestamptz
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
  return jobmaster.set_paused('pause', task, system, schedule, jobmaster.clock());
end
$fn$;
