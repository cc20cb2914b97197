-- Looks at what jobs depend on, all of them in one statement. fresh: those whose dependencies all are; stale: the others,
-- null where there are none. met: what stands between the brackets of [[task, job id, args, result, whose], …], by which
-- jobs the dependencies of each were met last, in their order; once the job that met one is pruned, its arguments are those
-- that the dependency looked at, and its result is null.
create or replace function jobmaster.freshness(
  job_ids bigint[], moment timestamptz, out fresh bigint[], out stale bigint[], out met text
)
language plpgsql stable
as $fn$
begin
  -- A rule is taken apart once, however many jobs go by it: what a job without arguments would need, and which of its
  -- arguments are added to that.
  with job as materialized (
    select id, task_id, args, blocked_at
    from jobmaster.jobs
    where id = any (job_ids)
  ), rule as materialized (
    select
      dependency.task_id,
      dependency.shape_id,
      moment - dependency.within_seconds * interval '1 second' as since,
      to_json(target.type_key || '.' || target.task_key) as target,
      base.key as given,
      -- At most two arguments, each as it is: then there is a short way.
      same.names[3] is null and num_nonnulls(variadic same.ops) = 0 as plain,
      array[same.names[1]] as place,
      same.sources[1] as source,
      array[same.names[2]] as next_place,
      same.sources[2] as next_source,
      same.*
    from jobmaster.dependencies dependency
    join jobmaster.tasks target on target.id = dependency.target_id
    cross join lateral jobmaster.needed(dependency.args, '{}') base (key)
    cross join lateral (
      select
        array_agg(key) as names,
        array_agg(value ->> 'same') as sources,
        array_agg(value ->> 'op') as ops,
        array_agg((value ->> 'by')::numeric) as operands
      from jsonb_each(dependency.args)
      where value ? 'same'
    ) same
    where dependency.task_id = any (array(select task_id from job))
    order by dependency.task_id, dependency.position
  )
  select
    array_agg(made.id) filter (where (last.completed_at > made.since or last.completed_at >= made.blocked_at) is not true),
    '[' || string_agg(concat_ws(',', made.target, last.told, made.id), '],[') filter (where last.told is not null) || ']'
  into stale, met
  from (
    select
      job.id,
      job.blocked_at,
      rule.shape_id,
      rule.since,
      rule.target,
      case
        when rule.plain then jsonb_set_lax(
          jsonb_set_lax(rule.given, rule.place, job.args -> rule.source, true, 'return_target'),
          rule.next_place, job.args -> rule.next_source, true, 'return_target'
        )
        else rule.given || coalesce(
          (
            select jsonb_object_agg(argument.name, found.value)
            from unnest(rule.names, rule.sources, rule.ops, rule.operands) argument (name, source, op, operand)
            cross join lateral (select jobmaster.reckoned(job.args -> argument.source, argument.op, argument.operand) as value) found
            where found.value is not null
          ),
          '{}'
        )
      end as key
    from rule
    -- Offset 0, here and below: job by job for each rule, and each key worked out once, and looked for once.
    cross join lateral (select job.id, job.args, job.blocked_at from job where job.task_id = rule.task_id offset 0) job
    offset 0
  ) made
  cross join lateral (select made.shape_id, made.key, jsonb_hash_extended(made.key, 0) as hash offset 0) needed
  left join lateral (
    select
      completion.completed_at,
      concat_ws(',', completion.job_id, coalesce(source.args, completion.key), coalesce(source.result, 'null')) as told
    from jobmaster.completions completion
    left join jobmaster.jobs source on source.id = completion.job_id
    where completion.shape_id = needed.shape_id and completion.key_hash = needed.hash and completion.key = needed.key
    offset 0
  ) last on true;

  if stale is null then
    fresh := job_ids;
  else
    stale := array(select distinct unnest(stale));
    fresh := array(select unnest(job_ids) except select unnest(stale));
  end if;
end
$fn$;
