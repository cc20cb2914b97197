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
  place bigint;
  began timestamptz;
  next_is_old boolean;
  seen bigint[];
  pruned bigint[];
  over_groups bigint[];
begin
  -- Nearly always the next one is too young, and this is all.
  select
    retention.after_id,
    retention.began_at,
    (
      select job.created_at < moment - shortest
      from jobmaster.jobs job
      where job.id > retention.after_id
      order by job.id
      limit 1
    )
  into place, began, next_is_old
  from jobmaster.retention;
  if not found then
    insert into jobmaster.retention (id, after_id, began_at) values (1, 0, moment) on conflict do nothing;
    place := 0;
    began := moment;
    next_is_old := true;
  end if;
  if next_is_old is not true then
    if began > moment - least(shortest, interval '1 hour') then
      return 0;
    end if;
    place := 0;
    began := moment;
    perform jobmaster.delete_groups(jobmaster.empty_groups(moment - greatest(completed, failed), at_most));
  end if;

  perform from jobmaster.retention for update skip locked;
  if not found then
    return 0;
  end if;
  seen := array(
    select next.id
    from (
      select job.id, job.created_at
      from jobmaster.jobs job
      where job.id > place
      order by job.id
      limit at_most
    ) next
    where next.created_at < moment - shortest
    order by next.id
  );
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
  update jobmaster.retention set after_id = coalesce(seen[cardinality(seen)], after_id), began_at = began;
  return cardinality(pruned);
end
$fn$;
