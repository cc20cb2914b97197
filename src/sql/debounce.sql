-- Puts off a job that waits, and gives it these arguments in place of its own. Set for later, it is none that a dependency
-- may find until it is due, and looks at its own dependencies then; what waits for it already waits on. The caller holds its
-- row.
create or replace function jobmaster.debounce(debounced bigint, new_args jsonb, new_expands boolean, due_at timestamptz)
returns void
language plpgsql volatile
as $fn$
declare
  -- For a group: it goes on waiting.
  waits boolean := exists (select from jobmaster.group_waits where job_id = debounced);
begin
  update jobmaster.jobs
  set status = case when waits then 'blocked' else 'scheduled' end, run_at = due_at, args = new_args, expands = new_expands, blocked_at = null
  where id = debounced;
  delete from jobmaster.blockers where job_id = debounced;
  delete from jobmaster.job_keys where job_id = debounced;
  -- One that backs off stays one to be found.
  if not waits then
    perform jobmaster.write_keys(array[debounced]);
  end if;
end
$fn$;
