-- Brings the catalog to what the code says, and changes nothing where it says the same. {"hash", "tasks": [{"type_key",
-- "task_key", "description", "hash", "process_units", "process_limit", "process_limit_per", "rate_limit", "rate_seconds", "rate_limit_per", "max_attempts", "timeout_ms", "unique_rule", "params": […],
-- "dependencies": [{"target", "within_seconds", "args"}, …]}, …], "schedules": see deploy_schedules}
-- A task that is no longer there is retired: its jobs stay. A job blocked under other rules looks again. A new set of
-- arguments to look at is filled from the history that is there. The caller holds the claim lock; rows that others have
-- locked are passed over, since their own transaction wakes them.
create or replace function jobmaster.deploy_catalog(catalog jsonb, functions text)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $fn$
declare
  moment timestamptz := jobmaster.clock();
  rules_changed boolean;
  new_shapes integer[];
begin
  create temporary table deployed_task on commit drop as
  select task.*, given.value -> 'dependencies' as dependencies
  from jsonb_array_elements(catalog -> 'tasks') given
  cross join lateral jsonb_populate_record(null::jobmaster.tasks, given.value) task;

  insert into jobmaster.tasks as task (
    type_key, task_key, description, hash, params, process_units, process_limit, process_limit_per, rate_limit, rate_seconds,
    rate_limit_per, max_attempts, timeout_ms, unique_rule
  )
  select
    type_key, task_key, description, hash, params, process_units, process_limit, process_limit_per, rate_limit, rate_seconds,
    rate_limit_per, max_attempts, timeout_ms, unique_rule
  from deployed_task
  order by type_key, task_key
  on conflict (type_key, task_key) do update
  set description = excluded.description,
    hash = excluded.hash,
    params = excluded.params,
    process_units = excluded.process_units,
    process_limit = excluded.process_limit,
    process_limit_per = excluded.process_limit_per,
    rate_limit = excluded.rate_limit,
    rate_seconds = excluded.rate_seconds,
    rate_limit_per = excluded.rate_limit_per,
    max_attempts = excluded.max_attempts,
    timeout_ms = excluded.timeout_ms,
    unique_rule = excluded.unique_rule,
    retired_at = null
  where task.hash <> excluded.hash or task.retired_at is not null;

  update jobmaster.tasks task
  set retired_at = moment
  where retired_at is null
    and not exists (
      select from deployed_task given where given.type_key = task.type_key and given.task_key = task.task_key
    );

  create temporary table deployed_dependency on commit drop as
  select
    task.id as task_id,
    rule.position::integer as position,
    target.id as target_id,
    (rule.value ->> 'within_seconds')::integer as within_seconds,
    array(select key from jsonb_object_keys(rule.value -> 'args') key order by key) as names,
    -- "ALL" in a dependency is every option that its target has now.
    coalesce(
      (
        select jsonb_object_agg(arg.key, case
          when arg.value ? 'all' then jsonb_build_object('options', (
            select param -> 'options'
            from jsonb_array_elements(target.params) param
            where param ->> 'name' = arg.key
          ))
          else arg.value
        end)
        from jsonb_each(rule.value -> 'args') arg
      ),
      '{}'
    ) as args
  from deployed_task given
  join jobmaster.tasks task on task.type_key = given.type_key and task.task_key = given.task_key
  cross join lateral jsonb_array_elements(given.dependencies) with ordinality rule (value, position)
  join jobmaster.tasks target on target.type_key || '.' || target.task_key = rule.value ->> 'target';

  -- The sets of names that are looked at.
  with added as (
    insert into jobmaster.shapes (task_id, names)
    select distinct target_id, names
    from deployed_dependency
    on conflict (task_id, names) do nothing
    returning id
  )
  select array_agg(id) into new_shapes from added;

  select exists (
    (
      select task_id, position, target_id, shape_id, within_seconds, args from jobmaster.dependencies
      except
      select given.task_id, given.position, given.target_id, shape.id, given.within_seconds, given.args
      from deployed_dependency given
      join jobmaster.shapes shape on shape.task_id = given.target_id and shape.names = given.names
    )
    union all
    (
      select given.task_id, given.position, given.target_id, shape.id, given.within_seconds, given.args
      from deployed_dependency given
      join jobmaster.shapes shape on shape.task_id = given.target_id and shape.names = given.names
      except
      select task_id, position, target_id, shape_id, within_seconds, args from jobmaster.dependencies
    )
  ) into rules_changed;

  if rules_changed then
    delete from jobmaster.dependencies;
    insert into jobmaster.dependencies (task_id, position, target_id, shape_id, within_seconds, args)
    select given.task_id, given.position, given.target_id, shape.id, given.within_seconds, given.args
    from deployed_dependency given
    join jobmaster.shapes shape on shape.task_id = given.target_id and shape.names = given.names
    order by given.task_id, given.position;

    -- What a settle has in its hands stays, and nothing ever asks for it: that settle may be waiting for our lock.
    with unused as (
      delete from jobmaster.shapes
      where id not in (select shape_id from jobmaster.dependencies)
      returning id
    ), forgotten as (
      delete from jobmaster.job_keys
      where ctid = any (array(
        select ctid from jobmaster.job_keys where shape_id in (select id from unused) for update skip locked
      ))
    )
    delete from jobmaster.completions
    where ctid = any (array(
      select ctid from jobmaster.completions where shape_id in (select id from unused) for update skip locked
    ));

    with looks_again as (
      update jobmaster.jobs
      set status = 'waiting'
      where id = any (array(
        select id
        from jobmaster.jobs
        where status = 'blocked' and not exists (select from jobmaster.group_waits waits where waits.job_id = jobs.id)
        order by id
        for update skip locked
      ))
      returning id
    )
    delete from jobmaster.blockers where job_id in (select id from looks_again);
  end if;

  if new_shapes is not null then
    perform jobmaster.write_keys(array(
      select job.id
      from jobmaster.jobs job
      join jobmaster.shapes shape on shape.task_id = job.task_id
      where shape.id = any (new_shapes) and job.finished_at is null
    ));
    -- The longest window is 30 days.
    insert into jobmaster.completions (shape_id, key_hash, key, completed_at, job_id)
    select distinct on (shape.id, jsonb_hash_extended(looked_at.key, 0))
      shape.id, jsonb_hash_extended(looked_at.key, 0), looked_at.key, job.finished_at, job.id
    from jobmaster.shapes shape
    join jobmaster.jobs job on job.task_id = shape.task_id
    cross join lateral (select jobmaster.shape_key(shape.names, job.args) as key) looked_at
    where shape.id = any (new_shapes)
      and job.status = 'completed'
      and job.finished_at > moment - interval '30 days'
    order by shape.id, jsonb_hash_extended(looked_at.key, 0), job.finished_at desc, job.id desc
    on conflict do nothing;
  end if;

  -- What waits, and what runs and may come back, goes by its task as it is now. What runs weighs what it was claimed with.
  update jobmaster.jobs job
  set max_attempts = task.max_attempts,
    process_units = case when job.status = 'running' then job.process_units else task.process_units end,
    limit_key = jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), job.args)
  from jobmaster.tasks task
  where task.id = job.task_id
    and job.finished_at is null
    and job.id = any (array(
      select stale.id
      from jobmaster.jobs stale
      join jobmaster.tasks rules on rules.id = stale.task_id
      where stale.finished_at is null
        and (
          stale.max_attempts <> rules.max_attempts
          or (stale.status <> 'running' and stale.process_units <> rules.process_units)
          or stale.limit_key is distinct from jobmaster.limit_key(coalesce(rules.process_limit_per, rules.rate_limit_per), stale.args)
        )
      order by stale.id
      for update of stale skip locked
    ));

  -- Where a rate is new, or counts by other arguments, its window begins empty of those that were counted otherwise.
  delete from jobmaster.starts
  where not exists (select from jobmaster.tasks task where task.id = starts.task_id and task.rate_limit is not null);

  perform jobmaster.deploy_schedules(catalog -> 'schedules');

  insert into jobmaster.meta as meta (id, functions, catalog, deployed_at)
  values (1, functions, catalog ->> 'hash', moment)
  on conflict (id) do update
  set functions = excluded.functions, catalog = excluded.catalog, deployed_at = excluded.deployed_at
  where meta.functions <> excluded.functions or meta.catalog <> excluded.catalog;

  drop table deployed_task, deployed_dependency;
end
$fn$;
