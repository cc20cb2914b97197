-- Locks the groups of a job that waits for a group, before its row: what ends a group takes its rows in that order.
create or replace function jobmaster.hold_groups(job_id bigint)
returns void
language plpgsql volatile
as $fn$
begin
  if exists (select from jobmaster.group_waits waits where waits.job_id = $1) then
    perform
    from jobmaster.groups
    where id = any (jobmaster.groups_of(array[$1])) and ended_at is null
    order by id
    for no key update;
  end if;
end
$fn$;
