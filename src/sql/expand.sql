-- ALL jobs become their children: one for each combination of the options, with the same priority and the rest of the
-- arguments. Returns how many children.
create or replace function jobmaster.expand(job_ids bigint[], moment timestamptz)
returns integer
language plpgsql volatile
as $fn$
declare
  children bigint[];
begin
  with parent as (
    update jobmaster.jobs
    set status = 'expanded', finished_at = moment
    where id = any (job_ids)
    returning id, task_id, priority, args, max_attempts, process_units, rank, trace, group_id
  ), child as (
    insert into jobmaster.jobs (parent_id, task_id, status, priority, rank, args, max_attempts, process_units, created_at, run_at, trace, group_id, limit_key)
    select parent.id, parent.task_id, 'waiting', parent.priority, parent.rank, combination, parent.max_attempts, parent.process_units, moment, moment, parent.trace, parent.group_id,
      jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), combination)
    from parent
    join jobmaster.tasks task on task.id = parent.task_id
    cross join lateral (
      select jsonb_object_agg(param ->> 'name', param -> 'options') as choices
      from jsonb_array_elements(task.params) param
      where (param ->> 'write_all')::boolean and parent.args -> (param ->> 'name') = '"ALL"'
    ) all_params
    cross join lateral jobmaster.combinations(parent.args, all_params.choices) with ordinality made (combination, position)
    order by parent.rank, parent.id, made.position
    returning id
  )
  select array_agg(id) into children from child;
  perform jobmaster.write_keys(children);
  return coalesce(cardinality(children), 0);
end
$fn$;
