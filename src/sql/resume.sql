-- Resumes a task, a system or a schedule that was paused; one that was not stays as it is. Raises JM001, JM008, JM015 and JM017.
create or replace function jobmaster.resume(
  task text default null, system text default null, schedule text default null
)
returns void
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
  perform jobmaster.set_paused('resume', task, system, schedule, null);
end
$fn$;
