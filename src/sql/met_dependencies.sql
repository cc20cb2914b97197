-- What the dependencies of these jobs were met by: {job id: [[task, job id, args, result], …]}. Once the job that met one
-- is pruned, its arguments are those that the dependency looked at, and its result is null.
create or replace function jobmaster.met_dependencies(job_ids bigint[])
returns jsonb
language sql stable
as $fn$
  select coalesce(jsonb_object_agg(found.id, found.list), '{}')
  from (
    select job.id, jsonb_agg(jsonb_build_array(
      target.type_key || '.' || target.task_key, last.job_id, coalesce(source.args, last.key), source.result
    ) order by dependency.position, last.job_id) as list
    from jobmaster.jobs job
    join jobmaster.dependencies dependency on dependency.task_id = job.task_id
    join jobmaster.tasks target on target.id = dependency.target_id
    cross join lateral jobmaster.needed(dependency.args, job.args) needed (key)
    join jobmaster.completions last
      on last.shape_id = dependency.shape_id
      and last.key_hash = jsonb_hash_extended(needed.key, 0)
      and last.key = needed.key
    left join jobmaster.jobs source on source.id = last.job_id
    where job.id = any (job_ids)
    group by job.id
  ) found
$fn$;
