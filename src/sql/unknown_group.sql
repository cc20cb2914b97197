-- The message for a group that is not there.
create or replace function jobmaster.unknown_group(id bigint)
returns text
language sql stable
as $fn$
  select format('there is no group %s', $1) || case
    when exists (select from jobmaster.jobs job where job.id = $1)
    then format(': #%s is a job; a group is what insertMany makes with `group`, or the children of an ALL job', $1)
    else ''
  end
$fn$;
