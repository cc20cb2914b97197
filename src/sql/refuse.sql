-- Raises what is wrong with the first of the items of insert_jobs that is refused: a statement may come to another one first.
create or replace function jobmaster.refuse(items jsonb)
returns void
language plpgsql stable
as $fn$
declare
  item jsonb;
  position bigint;
  named jobmaster.tasks;
  checked record;
begin
  for item, position in select * from jsonb_array_elements(items) with ordinality loop
    select * into named from jobmaster.task_named(item ->> 'task');
    select * into checked from jobmaster.check_job(named, item);
    exit when checked.code is not null;
  end loop;
  raise exception using
    errcode = coalesce(checked.code, '40001'),
    message = coalesce(checked.problem, 'the tasks were deployed anew meanwhile: insert again'),
    detail = format('job %s of %s; none was inserted', position, jsonb_array_length(items)),
    -- For callers that point at what is wrong.
    column = coalesce(checked.argument, '');
end
$fn$;
