-- Deletes jobs that are kept no longer, among the next so many by their ids, and remembers where to go on. Where it comes
-- to jobs that are too young it waits there; once an hour it begins anew, for what finished late or is kept longer.
-- completed and failed are as in prune. Returns how many it deleted. One sweeps at a time; nobody waits: rows that
-- somebody has locked are left for the next time around.
create or replace function jobmaster.sweep(completed interval, failed interval, at_most integer, moment timestamptz)
returns integer
language plpgsql volatile
as $fn$
declare
  shortest interval := least(completed, failed);
  place jobmaster.retention;
  seen bigint[];
  pruned bigint[];
  over_groups bigint[];
begin
  select * into place from jobmaster.retention;
  if not found then
    insert into jobmaster.retention (id, after_id, began_at) values (1, 0, moment) on conflict do nothing;
    place := (1, 0, moment);
  end if;
  seen := jobmaster.old_jobs(place.after_id, at_most, moment - shortest);
  if seen = '{}' and place.after_id > 0 and place.began_at <= moment - least(shortest, interval '1 hour') then
    place := (1, 0, moment);
    seen := jobmaster.old_jobs(0, at_most, moment - shortest);
    perform jobmaster.delete_groups(jobmaster.empty_groups(moment - greatest(completed, failed), at_most));
  end if;
  if seen = '{}' then
    return 0;
  end if;

  perform from jobmaster.retention for update skip locked;
  if not found then
    return 0;
  end if;
  pruned := array(
    select id
    from jobmaster.jobs
    where id = any (seen)
      and finished_at < moment - case when status in ('completed', 'expanded') then completed else failed end
      and (coalesce(group_id, parent_id) is null or not exists (
        select from jobmaster.groups where groups.id = any (array[group_id, parent_id]) and ended_at is null
      ))
    order by id
    for update skip locked
  );
  if exists (select from jobmaster.groups) then
    over_groups := jobmaster.groups_of(pruned);
  end if;
  perform jobmaster.delete_jobs(pruned);
  perform jobmaster.delete_groups(over_groups);
  update jobmaster.retention set after_id = seen[cardinality(seen)], began_at = place.began_at;
  return cardinality(pruned);
end
$fn$;
