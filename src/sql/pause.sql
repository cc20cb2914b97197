-- Pauses a task, everywhere, or a system: nothing of it is claimed until it is resumed; what runs goes on to its end.
-- Returns since when it is paused: the first time that it was. Raises JM001, JM008 and JM015 for what there is not.
-- pause(task => 'cool.bar'), pause(system => 'default').
create or replace function jobmaster.pause(task text default null, system text default null)
returns timestamptz
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
  return jobmaster.set_paused('pause', task, system, jobmaster.clock());
end
$fn$;
