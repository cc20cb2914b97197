-- call jobmaster.insert_job('cool', 'bar', 10, '{"b": 2}'): inserts one job and answers its id.
-- The same as enqueue, as the first users were promised it. The overload on text makes an untyped literal unambiguous.
create or replace procedure jobmaster.insert_job(
  type_key text, task_key text, priority integer, args json, inout id bigint default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
  id := jobmaster.enqueue(type_key, task_key, args::jsonb, priority);
end
$fn$;

create or replace procedure jobmaster.insert_job(
  type_key text, task_key text, priority integer, args jsonb, inout id bigint default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
  id := jobmaster.enqueue(type_key, task_key, args, priority);
end
$fn$;

create or replace procedure jobmaster.insert_job(
  type_key text, task_key text, priority integer, args text, inout id bigint default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
  id := jobmaster.enqueue(type_key, task_key, args::jsonb, priority);
end
$fn$;
