-- The arguments of an item of insert_jobs with the defaults of its task. Where it is refused, the first of the items that are is.
create or replace function jobmaster.checked_arguments(task jobmaster.tasks, item jsonb, items jsonb)
returns jsonb
language plpgsql stable
as $fn$
declare
  checked record;
begin
  select * into checked from jobmaster.check_job(task, item);
  if checked.code is not null then
    perform jobmaster.refuse(items);
  end if;
  return checked.complete;
end
$fn$;
