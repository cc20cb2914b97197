-- Inserts jobs, as insert_jobs does, where some wait for groups: {"after": 12} in an item, or [12, 13], or
-- {"groups": [12, 13], "ifFailed": "run"}, the ids of groups or of ALL jobs. Those are blocked until each group has ended,
-- and fail when one has not completed, unless they are to run all the same. A job that is there already waits for nothing
-- new. "jobs" of the answer has those that wait, or fail at once. Raises as insert_jobs does, and JM018 for an unknown group.
-- Each group is locked (for key share) until the transaction ends, so that it does not end without seeing the jobs; of an
-- ALL job that nothing has waited for, the row itself and those of its children: what ends them waits, and then sees its group.
create or replace function jobmaster.insert_waiting_jobs(items jsonb)
returns jsonb
language plpgsql volatile
as $fn$
declare
  one record;
  ids jsonb;
  condition text;
  positions integer[] := '{}';
  wanted bigint[] := '{}';
  conditions text[] := '{}';
  code text;
  problem text;
  all_jobs bigint[];
  answer jsonb;
  waiters bigint[];
begin
  for one in
    select ordinality::integer as position, value ->> 'task' as task, value -> 'after' as given
    from jsonb_array_elements(items) with ordinality
    where value ? 'after'
  loop
    ids := case jsonb_typeof(one.given) when 'object' then one.given -> 'groups' else one.given end;
    ids := case jsonb_typeof(ids) when 'array' then ids else jsonb_build_array(ids) end;
    condition := case
      when jsonb_typeof(one.given) <> 'object' then 'completed'
      when one.given ? 'condition' then one.given ->> 'condition'
      when one.given - '{groups,ifFailed}'::text[] = '{}'
      then case coalesce(one.given ->> 'ifFailed', 'fail') when 'fail' then 'completed' when 'run' then 'ended' end
    end;
    if condition is null
      or jsonb_array_length(ids) = 0
      or jsonb_path_query_array(ids, 'strict $[*] ? (@ >= 1 && @ <= 9007199254740991 && @ == @.floor())') <> ids
    then
      code := 'JM008';
      problem := 'after must be the id of a group, a list of them, or {"groups": …, "ifFailed": "fail" or "run"}, got ' || jobmaster.shown(one.given);
      exit;
    end if;
    positions := positions || array(select one.position from jsonb_array_elements(ids));
    wanted := wanted || array(select id::numeric::bigint from jsonb_array_elements(ids) id);
    conditions := conditions || array(select condition from jsonb_array_elements(ids));
  end loop;

  all_jobs := array(
    select id
    from jobmaster.jobs
    where id = any (wanted) and expands and not exists (select from jobmaster.groups where groups.id = jobs.id)
    order by id
    for share
  );
  if all_jobs <> '{}' then
    perform from jobmaster.jobs where parent_id = any (all_jobs) and finished_at is null order by id for share;
    insert into jobmaster.groups (id, created_at) select id, jobmaster.clock() from unnest(all_jobs) id on conflict do nothing;
  end if;
  perform from jobmaster.groups where id = any (wanted) order by id for key share;
  if code is null then
    select position, items -> position - 1 ->> 'task' as task, id
    into one
    from unnest(wanted, positions) given (id, position)
    where not exists (select from jobmaster.groups where groups.id = given.id)
    order by position
    limit 1;
    if found then
      code := 'JM018';
      problem := jobmaster.unknown_group(one.id);
    end if;
  end if;
  if code is not null then
    raise exception using
      errcode = code,
      column = 'after',
      message = one.task || ': ' || problem,
      detail = format('job %s of %s; none was inserted', one.position, jsonb_array_length(items));
  end if;

  answer := jobmaster.insert_jobs((select jsonb_agg(value - 'after' order by ordinality) from jsonb_array_elements(items) with ordinality));
  with waits as (
    insert into jobmaster.group_waits (job_id, group_id, condition)
    select distinct on (position, id) (answer -> 'ids' ->> position - 1)::bigint, id, given.condition
    from unnest(wanted, positions, conditions) given (id, position, condition)
    where answer -> 'jobs' -> (position - 1)::text ->> 'existing' is null
    returning job_id
  )
  select array_agg(distinct job_id) into waiters from waits;
  update jobmaster.jobs set status = 'blocked' where id = any (waiters);
  delete from jobmaster.job_keys where job_id = any (waiters);
  perform jobmaster.end_groups(all_jobs);
  perform jobmaster.end_waits(array(select id from jobmaster.groups where id = any (wanted) and ended_at is not null));
  return answer || jsonb_build_object('jobs', coalesce(answer -> 'jobs', '{}') || coalesce(
    (
      select jsonb_object_agg(position - 1, jobmaster.told(job) || jsonb_build_object('task', items -> position - 1 ->> 'task'))
      from (select distinct unnest(positions) as position) given
      join jobmaster.jobs job on job.id = (answer -> 'ids' ->> position - 1)::bigint
      where job.id = any (waiters)
    ),
    '{}'
  ));
end
$fn$;
