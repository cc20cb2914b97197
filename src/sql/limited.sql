-- The first jobs, at most so many, of a task whose limits are by arguments or by time, that may start now, in their order.
-- Locks nothing; called under the claim lock, so that what it counts stands until the claim has taken them.
--
-- The work is bounded, however many jobs of full keys stand first: it looks at the first jobs of the task, 500 more than
-- are wanted. Where these are not enough it goes by keys, at most 1,000 from a place taken at random, and looks at the heads
-- of those that have room. So the order is exact unless more than 1,000 keys wait behind 500 jobs of full ones; then it is
-- that of the keys looked at, and each has its turn.
create or replace function jobmaster.limited(task jobmaster.tasks, most bigint, since bigint, moment timestamptz)
returns table (id bigint, rank integer)
language plpgsql volatile
-- What is read in an order is read by the index that has it, also where the planner has not seen a job with a limit yet and
-- takes all of them for none.
set enable_sort = off
set enable_incremental_sort = off
as $fn$
declare
  place bigint := ('x' || substr(md5(random()::text), 1, 16))::bit(64)::bigint;
  keys bigint[];
  roomy bigint[];
  rooms bigint[];
  found_ids bigint[];
  found_ranks integer[];
  seen integer;
begin
  if task.rate_limit is not null and task.rate_limit_per is null then
    most := least(most, task.rate_limit - (
      select count(*)
      from (
        select
        from jobmaster.starts
        where starts.task_id = task.id
          and starts.limit_key = 0
          and starts.started_at > moment - task.rate_seconds * interval '1 second'
        limit task.rate_limit
      ) recent
    ));
  end if;
  if most <= 0 then
    return;
  end if;
  -- Ranges, so that no other index has the order that is asked for: see choose.
  if task.process_limit_per is null and task.rate_limit_per is null then
    return query
    select job.id, job.rank
    from jobmaster.jobs job
    where job.status = 'waiting'
      and (job.task_id, job.rank, job.id) > (task.id, -2147483648, 0)
      and job.task_id <= task.id
      and not job.suspect
    order by job.task_id, job.rank, job.id
    limit most;
    return;
  end if;

  with head as materialized (
    select job.id, job.rank, jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), job.args) as key
    from jobmaster.jobs job
    where job.status = 'waiting'
      and (job.task_id, job.rank, job.id) > (task.id, -2147483648, 0)
      and job.task_id <= task.id
      and not job.suspect
    order by job.task_id, job.rank, job.id
    limit most + 500
  ), room as materialized (
    select * from jobmaster.key_rooms(task, array(select distinct head.key from head), since, moment)
  ), fitting as (
    select placed.id, placed.rank
    from (
      select head.id, head.rank, head.key, row_number() over (partition by head.key order by head.rank, head.id) as place
      from head
    ) placed
    join room on room.key = placed.key
    where placed.place <= room.jobs
    order by placed.rank, placed.id
    limit most
  )
  select
    (select array_agg(fitting.id) from fitting),
    (select array_agg(fitting.rank) from fitting),
    (select count(*) from head),
    (select array_agg(room.key) from room where room.jobs > 0)
  into found_ids, found_ranks, seen, keys;

  if coalesce(cardinality(found_ids), 0) >= most or seen < most + 500 then
    return query select * from unnest(found_ids, found_ranks);
    return;
  end if;

  keys := coalesce(keys, '{}') || jobmaster.waiting_keys(task.id, place, 1000);
  if cardinality(keys) < 1000 then
    keys := keys || jobmaster.waiting_keys(task.id, -9223372036854775808, 1000 - cardinality(keys));
  end if;
  select array_agg(room.key), array_agg(room.jobs)
  into roomy, rooms
  from jobmaster.key_rooms(task, keys, since, moment) room
  where room.jobs > 0;
  return query
  select first.id, first.rank
  from unnest(roomy, rooms) room (key, jobs)
  cross join lateral (
    select job.id, job.rank
    from jobmaster.jobs job
    where job.status = 'waiting'
      and job.limit_key is not null
      and (job.task_id, job.limit_key, job.rank, job.id) > (task.id, room.key, -2147483648, 0)
      and (job.task_id, job.limit_key) <= (task.id, room.key)
      -- A deploy that changed what is counted by has passed over a job that somebody had locked: its key is of before.
      and jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), job.args) = room.key
      and not job.suspect
    order by job.task_id, job.limit_key, job.rank, job.id
    limit least(room.jobs, most)
  ) first
  order by first.rank, first.id
  limit most;
end
$fn$;
