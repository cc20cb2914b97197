-- Checks an item of insert_jobs: its task, which is null where none has that name, its priority, its time and its arguments.
-- Returns what check_arguments does.
create or replace function jobmaster.check_job(
  task jobmaster.tasks, item jsonb, out complete jsonb, out expands boolean, out code text, out problem text, out argument text
)
language plpgsql stable
as $fn$
declare
  label text := item ->> 'task' || ': ';
  priority numeric := item ->> 'priority';
  run_at timestamptz := item ->> 'run_at';
begin
  if task.id is null then
    code := 'JM001';
    problem := jobmaster.unknown_task(item ->> 'task');
  elsif priority not between -1000000000 and 1000000000 or priority % 1 <> 0 then
    code := 'JM008';
    argument := 'priority';
    problem := label || 'priority must be a whole number between -1000000000 and 1000000000, got ' || priority;
  elsif run_at not between timestamptz '0001-01-01 00:00:00Z' and timestamptz '9999-12-31 00:00:00Z' then
    -- Infinity, and years that other languages do not read, would stand in the way of every claim.
    code := 'JM008';
    argument := 'runAt';
    problem := label || 'run_at must be a time in the years 1 to 9999, got ' || run_at;
  else
    select checked.* into complete, expands, code, problem, argument
    from jobmaster.check_arguments(task, coalesce(item -> 'args', '{}')) checked;
  end if;
end
$fn$;
