-- Checks an item of insert_jobs: its task, which is null where none has that name, its priority, its time and its arguments.
-- Returns what check_arguments does.
create or replace function jobmaster.check_job(
  task jobmaster.tasks, item jsonb, out complete jsonb, out expands boolean, out code text, out problem text, out argument text
)
language plpgsql stable
as $fn$
begin
  if task.id is null then
    code := 'JM001';
    problem := jobmaster.unknown_task(item ->> 'task');
    return;
  end if;
  argument := jobmaster.out_of_bounds((item ->> 'priority')::numeric, (item ->> 'run_at')::timestamptz);
  if argument is null then
    select * into complete, expands, code, problem, argument
    from jobmaster.check_arguments(task, coalesce(item -> 'args', '{}'));
  else
    code := 'JM008';
    problem := item ->> 'task' || case argument
      when 'priority' then ': priority must be a whole number between -1000000000 and 1000000000, got ' || (item ->> 'priority')
      else ': run_at must be a time in the years 1 to 9999, got ' || (item ->> 'run_at')::timestamptz
    end;
  end if;
end
$fn$;
