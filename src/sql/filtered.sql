-- The condition, on a job, of a filter that cancel, retry and delete take: {"status", "task"}. may_be are the statuses
-- that the verb works on. The values are quoted: the condition is run as it is, so that the planner sees which status it
-- asks for and takes the index of that. Raises JM008 naming what is wrong with the filter, and JM001 for an unknown task.
create or replace function jobmaster.filtered(verb text, filter jsonb, may_be text[])
returns text
language plpgsql stable
as $fn$
declare
  stranger text;
  wanted text := filter ->> 'status';
  wanted_task integer;
begin
  if jsonb_typeof(filter) is distinct from 'object' then
    raise exception using
      errcode = 'JM008',
      message = format('%s: a filter is a JSON object such as {"task": "cool.bar"}, got %s', verb, coalesce(jsonb_typeof(filter), 'null'));
  end if;
  select key into stranger from jsonb_object_keys(filter) key where key not in ('status', 'task', 'limit') order by key limit 1;
  if stranger is not null then
    raise exception using
      errcode = 'JM008',
      column = stranger,
      message = format('%s: a filter has no "%s": it takes status, task and limit', verb, stranger);
  end if;
  if filter ->> 'status' is null and filter ->> 'task' is null then
    raise exception using
      errcode = 'JM008',
      message = format('%s: name a status, a task, or both: nothing was changed', verb);
  end if;
  if wanted <> all (may_be) then
    raise exception using
      errcode = 'JM008',
      column = 'status',
      message = format('%s: status must be one of %s, got %s', verb, array_to_string(may_be, ', '), wanted);
  end if;
  if filter ->> 'task' is not null then
    select id into wanted_task
    from jobmaster.tasks
    where type_key || '.' || task_key = filter ->> 'task';
    if not found then
      raise exception using errcode = 'JM001', column = 'task', message = jobmaster.unknown_task(filter ->> 'task');
    end if;
  end if;
  return format('job.status in (%s)', coalesce(quote_literal(wanted), (select string_agg(quote_literal(name), ', ') from unnest(may_be) name)))
    || coalesce(' and job.task_id = ' || wanted_task, '')
    || ' and (job.status <> ''running'' or job.cancel_requested_at is null)';
end
$fn$;
