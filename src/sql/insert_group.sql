-- Inserts jobs as a group: {"items": […], as in insert_jobs, "callbacks": {"onComplete", "onFailed": an item each, or left out}}.
-- Returns insert_jobs' answer with "group": {"id", "onComplete", "onFailed": the ids of those two jobs, or null}. onComplete runs when
-- all jobs of the group have completed, onFailed when all have ended and some have not; both are there from now on,
-- blocked, and the one that does not run is deleted. A group without jobs has completed. A job that is there already, of a
-- unique one, is of the group where it has not finished and is of no other. Raises as insert_jobs does.
create or replace function jobmaster.insert_group(request jsonb)
returns jsonb
language plpgsql volatile
as $fn$
declare
  new_id bigint := nextval('jobmaster.jobs_id_seq');
  items jsonb := request -> 'items';
  answer jsonb := jsonb_build_object('ids', '{}'::bigint[], 'scheduled', null, 'created_at', jobmaster.clock(), 'tasks', '{}'::jsonb);
  called record;
  callbacks jsonb := '{}';
  message text;
  argument text;
begin
  if items <> '[]' then
    answer := jobmaster.insert_jobs((
      select jsonb_agg(value || jsonb_build_object('group', new_id) order by ordinality) from jsonb_array_elements(items) with ordinality
    ));
  end if;
  if answer ? 'jobs' then
    update jobmaster.jobs job
    set group_id = new_id
    where id = any (array(select jsonb_array_elements_text(answer -> 'ids')::bigint)) and job.group_id is null and finished_at is null;
    answer := answer || jsonb_build_object('jobs', (
      select coalesce(jsonb_object_agg(key, value || jsonb_build_object('groupId', job.group_id)), '{}')
      from jsonb_each(answer -> 'jobs')
      join jobmaster.jobs job on job.id = (value -> 'id')::bigint
    ));
  end if;
  -- Only now, so that none of its jobs can wait for it.
  insert into jobmaster.groups (id, created_at) values (new_id, jobmaster.clock());
  for called in select key, value from jsonb_each(request -> 'callbacks') where key in ('onComplete', 'onFailed') loop
    begin
      callbacks := callbacks || jsonb_build_object(called.key, jobmaster.insert_jobs(jsonb_build_array(called.value || jsonb_build_object(
        'unique', false, 'trace', items -> 0 -> 'trace', 'after', jsonb_build_object('groups', new_id, 'condition', called.key)
      ))) -> 'ids' -> 0);
    exception when others then
      get stacked diagnostics message = message_text, argument = column_name;
      raise exception using errcode = sqlstate, message = called.key || ': ' || message, column = concat_ws('.', called.key, argument);
    end;
  end loop;
  update jobmaster.groups
  set on_complete = (callbacks -> 'onComplete')::bigint, on_failed = (callbacks -> 'onFailed')::bigint
  where id = new_id;
  perform jobmaster.end_groups(array[new_id]);
  return answer || (
    select jsonb_build_object('group', jsonb_build_object('id', id, 'onComplete', on_complete, 'onFailed', on_failed))
    from jobmaster.groups
    where id = new_id
  );
end
$fn$;
