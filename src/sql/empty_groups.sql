-- Groups that ended before a time and of which no job is left, at most so many: they never had one, or it was deleted.
create or replace function jobmaster.empty_groups(ended_before timestamptz, at_most integer)
returns bigint[]
language sql stable
as $fn$
  select array(
    select id
    from jobmaster.groups
    where ended_at < ended_before and not exists (select from jobmaster.group_members(groups.id))
    limit at_most
  )
$fn$;
