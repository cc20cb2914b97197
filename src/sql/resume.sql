-- Resumes a task or a system that was paused; one that was not stays as it is. Raises JM001, JM008 and JM015.
create or replace function jobmaster.resume(task text default null, system text default null)
returns void
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
  perform jobmaster.set_paused('resume', task, system, null);
end
$fn$;
