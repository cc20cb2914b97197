-- Deletes jobs that finished long enough ago, the oldest first, at most so many. Returns how many.
-- completed is for completed and expanded jobs, failed for failed and cancelled ones; null keeps them. Freshness stays:
-- it is kept elsewhere. Jobs of a group are kept until it has ended, and a group for as long as one of its jobs. Raises JM008 for an age, or so many, below nothing.
create or replace function jobmaster.prune(completed interval, failed interval, at_most integer default 10000)
returns integer
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  moment timestamptz := jobmaster.clock();
  pruned bigint[];
  over_groups bigint[];
begin
  if completed < interval '0' or failed < interval '0' then
    raise exception using errcode = 'JM008', message = format('prune: an age cannot be below nothing, got %s', least(completed, failed));
  end if;
  if at_most < 0 then
    raise exception using errcode = 'JM008', message = format('prune: a limit cannot be below nothing, got %s', at_most);
  end if;
  pruned := array(
    select id
    from jobmaster.jobs
    where finished_at < moment - case when status in ('completed', 'expanded') then completed else failed end
      and (coalesce(group_id, parent_id) is null or not exists (
        select from jobmaster.groups where groups.id = any (array[group_id, parent_id]) and ended_at is null
      ))
    order by id
    limit at_most
    for update skip locked
  );
  over_groups := jobmaster.groups_of(pruned);
  perform jobmaster.delete_jobs(pruned);
  if cardinality(pruned) < at_most then
    over_groups := over_groups || jobmaster.empty_groups(moment - greatest(completed, failed), at_most);
  end if;
  perform jobmaster.delete_groups(over_groups);
  return cardinality(pruned);
end
$fn$;
