-- Inserts the job that a dependency of the dependent needs: the arguments given, and for the rest the target's default, else null where
-- that is allowed, else the first option. Where that makes no valid job, job_id is null and problem says why.
create or replace function jobmaster.insert_dependency(
  target integer, shape integer, given jsonb, at_priority integer, moment timestamptz, dependent bigint, out job_id bigint, out problem text
)
language plpgsql volatile
as $fn$
declare
  task jobmaster.tasks;
  filled jsonb;
  missing text;
  checked record;
begin
  select * into task from jobmaster.tasks where id = target;
  if task.retired_at is not null then
    problem := format('it depends on %s.%s, which is retired', task.type_key, task.task_key);
    return;
  end if;

  select
    given || coalesce(jsonb_object_agg(param ->> 'name', fill) filter (where fill is not null), '{}'),
    min(param ->> 'name') filter (where fill is null)
  into filled, missing
  from jsonb_array_elements(task.params) param
  cross join lateral (
    select case when (param ->> 'nullable')::boolean then 'null'::jsonb else param -> 'options' -> 0 end as fill
  ) filling
  where (param ->> 'required')::boolean and not given ? (param ->> 'name');
  if missing is not null then
    problem := format(
      'it depends on %s.%s, whose argument "%s" nobody gave: neither the dependency nor a default', task.type_key, task.task_key, missing
    );
    return;
  end if;

  select * into checked from jobmaster.check_arguments(task, filled);
  if checked.problem is null and jobmaster.shape_key((select names from jobmaster.shapes where id = shape), checked.complete) <> given then
    checked.problem := format(
      '%s.%s: a default stands where this job has no value, so it would never match', task.type_key, task.task_key
    );
  end if;
  if checked.problem is not null then
    problem := 'its dependency cannot be started: ' || checked.problem;
    return;
  end if;

  insert into jobmaster.jobs (task_id, status, priority, rank, args, max_attempts, process_units, created_at, run_at, trace, limit_key)
  values (
    target, 'waiting', at_priority, -at_priority, checked.complete, task.max_attempts, task.process_units, moment, moment,
    (select trace from jobmaster.jobs where id = dependent),
    jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), checked.complete)
  )
  returning id into job_id;
  perform jobmaster.write_keys(array[job_id]);
end
$fn$;
