-- Deletes those of these groups that have ended and of which no job is left; one that somebody has locked stays.
create or replace function jobmaster.delete_groups(group_ids bigint[])
returns void
language sql volatile
as $fn$
  delete from jobmaster.groups
  where id = any (array(
    select id
    from jobmaster.groups
    where id = any (group_ids) and ended_at is not null and not exists (select from jobmaster.group_members(groups.id))
    for update skip locked
  ))
$fn$;
