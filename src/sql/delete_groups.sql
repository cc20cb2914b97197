-- Deletes groups that ended before a time and of which no job is left; one that somebody has locked stays.
create or replace function jobmaster.delete_groups(ended_before timestamptz)
returns void
language sql volatile
as $fn$
  delete from jobmaster.groups
  where id = any (array(
    select id
    from jobmaster.groups
    where ended_at < ended_before and not exists (select from jobmaster.group_members(groups.id))
    for update skip locked
  ))
$fn$;
