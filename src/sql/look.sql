-- Looks at the dependencies of jobs that a claim is about to take. Called under the claim lock, with the jobs' rows
-- locked; waits for nothing.
-- ready: those whose dependencies are all fresh, or that cannot ever be met; the latter with a problem, and are handed
--   out all the same, for the invocation to fail them: a claim finishes no job that others may wait for.
-- problems: {job id: why}.
-- The others are blocked on everything stale at once, each on a row found unfinished and locked here; where a row cannot
-- be locked its settle is under way, and the job is left waiting (contended) for the next claim to look again.
create or replace function jobmaster.look(
  job_ids bigint[], moment timestamptz, out ready bigint[], out problems jsonb, out blocked integer, out contended integer
)
language plpgsql volatile
as $fn$
declare
  need record;
  blocker bigint;
  blocker_priority integer;
  trouble text;
  stale bigint[] := '{}';
  left_waiting bigint[] := '{}';
  pairs_job bigint[] := '{}';
  pairs_blocker bigint[] := '{}';
begin
  problems := '{}';
  -- Freshness and the search for a job under way share one snapshot, so that a job that completes meanwhile is either
  -- seen fresh or seen under way.
  for need in
    select
      job.id,
      job.priority,
      dependency.target_id,
      dependency.shape_id,
      needed.key,
      jsonb_hash_extended(needed.key, 0) as key_hash,
      active.id as active_id
    from jobmaster.jobs job
    join jobmaster.dependencies dependency on dependency.task_id = job.task_id
    cross join lateral jobmaster.needed(dependency.args, job.args) needed (key)
    left join jobmaster.completions last
      on last.shape_id = dependency.shape_id
      and last.key_hash = jsonb_hash_extended(needed.key, 0)
      and last.key = needed.key
      and (last.completed_at > moment - dependency.within_seconds * interval '1 second' or last.completed_at >= job.blocked_at)
    left join lateral jobmaster.active_job(dependency.shape_id, needed.key) active (id) on last.job_id is null
    where job.id = any (job_ids) and last.job_id is null
    order by job.rank, job.id, dependency.position
  loop
    continue when problems ? need.id::text;
    blocker := coalesce(need.active_id, jobmaster.active_job(need.shape_id, need.key));
    if blocker is null then
      select made.job_id, made.problem
      into blocker, trouble
      from jobmaster.insert_dependency(
        need.target_id, need.shape_id, need.key, least(need.priority + 1, 1000000000), moment, need.id
      ) made;
      if blocker is null then
        problems := problems || jsonb_build_object(need.id, trouble);
        continue;
      end if;
    else
      select priority into blocker_priority
      from jobmaster.jobs
      where id = blocker and finished_at is null
      for share skip locked;
      if not found then
        left_waiting := left_waiting || need.id;
        continue;
      end if;
      if blocker_priority <= need.priority then
        perform jobmaster.raise_priority(blocker, least(need.priority + 1, 1000000000));
      end if;
    end if;
    stale := stale || need.id;
    pairs_job := pairs_job || need.id;
    pairs_blocker := pairs_blocker || blocker;
  end loop;

  with waits as (
    select distinct pair.job_id, pair.blocker_id
    from unnest(pairs_job, pairs_blocker) pair (job_id, blocker_id)
    where pair.job_id <> all (left_waiting) and not problems ? pair.job_id::text
  ), made as (
    insert into jobmaster.blockers (job_id, blocker_id)
    select job_id, blocker_id from waits
  ), slept as (
    update jobmaster.jobs
    set status = 'blocked', blocked_at = coalesce(blocked_at, moment)
    where id = any (array(select job_id from waits))
    returning id
  )
  select count(*) into blocked from slept;
  if blocked > 0 then
    -- A job that another raised here had looked at its own dependencies before, with the priority it had then.
    for need in
      select distinct blockers.blocker_id as id, job.priority
      from jobmaster.blockers
      join jobmaster.jobs job on job.id = blockers.job_id
      join jobmaster.jobs needed on needed.id = blockers.blocker_id
      where blockers.job_id = any (pairs_job)
        and needed.priority < least(job.priority + 1, 1000000000)
    loop
      perform jobmaster.raise_priority(need.id, least(need.priority + 1, 1000000000));
    end loop;
  end if;
  contended := (select count(distinct id) from unnest(left_waiting) id where not problems ? id::text);

  select array_agg(id)
  into ready
  from unnest(job_ids) id
  where problems ? id::text or (id <> all (stale) and id <> all (left_waiting));
end
$fn$;
