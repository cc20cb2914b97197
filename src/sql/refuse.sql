-- Raises what is wrong with the first of the items of insert_jobs that is refused: a statement may come to another one first.
create or replace function jobmaster.refuse(items jsonb)
returns void
language plpgsql stable
as $fn$
declare
  refused record;
begin
  select position, checked.* into refused
  from jsonb_array_elements(items) with ordinality given (value, position)
  left join jobmaster.tasks task
    on task.type_key = substring(value ->> 'task' from '^(.*)\.')
    and task.task_key = substring(value ->> 'task' from '[^.]*$')
    and task.retired_at is null
  cross join lateral jobmaster.check_job(task, value) checked
  where checked.code is not null
  order by position
  limit 1;
  raise exception using
    errcode = coalesce(refused.code, '40001'),
    message = coalesce(refused.problem, 'the tasks were deployed anew meanwhile: insert again'),
    detail = format('job %s of %s; none was inserted', refused.position, jsonb_array_length(items)),
    -- For callers that point at what is wrong.
    column = coalesce(refused.argument, '');
end
$fn$;
