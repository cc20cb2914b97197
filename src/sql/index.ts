// Generated from the .sql files beside it by `npm run generate:sql`. Do not edit.

/** Changes when any function does. */
export const version = '9fa995b87e0c2ceb'

/** Every SQL function, each after those that its creation looks at. */
export const functions: readonly { name: string; sql: string }[] = [
  { name: 'active_job', sql: `create or replace function jobmaster.active_job(shape integer, wanted jsonb)
returns bigint
language sql stable
as $fn$
select job.id
from jobmaster.job_keys
join jobmaster.jobs job on job.id = job_keys.job_id
where job_keys.shape_id = shape
and job_keys.key_hash = jsonb_hash_extended(wanted, 0)
and job_keys.key = wanted
and job.finished_at is null
order by job_keys.job_id
limit 1
$fn$;` },
  { name: 'add_ticks', sql: `create or replace function jobmaster.add_ticks(given jsonb)
returns void
language plpgsql volatile
as $fn$
declare
one record;
ahead timestamptz[];
begin
for one in
select schedule.id, schedule.coming, schedule.computed_until, value -> 4 as ticks
from jsonb_array_elements(given)
join jobmaster.schedules schedule
on schedule.id = (value ->> 0)::integer
and schedule.cron = value ->> 1
and schedule.timezone = value ->> 2
and schedule.computed_until = (value ->> 3)::timestamptz
order by schedule.id
for update of schedule
loop
ahead := one.coming || array(
select distinct tick::timestamptz
from jsonb_array_elements_text(one.ticks) tick
where tick::timestamptz > one.computed_until
order by 1
limit 200
);
update jobmaster.schedules
set coming = ahead,
next_tick = ahead[1],
refill_at = ahead[(cardinality(ahead) + 1) / 2],
computed_until = ahead[cardinality(ahead)]
where id = one.id and cardinality(ahead) > cardinality(one.coming);
end loop;
end
$fn$;` },
  { name: 'bite', sql: `create or replace function jobmaster.bite(verb text, filter jsonb, condition text)
returns bigint[]
language plpgsql volatile
as $fn$
declare
at_most integer := 1000;
job_ids bigint[];
begin
if filter ->> 'limit' is not null then
if jsonb_typeof(filter -> 'limit') <> 'number' or (filter ->> 'limit')::numeric not between 1 and 10000 or (filter ->> 'limit')::numeric % 1 <> 0 then
raise exception using
errcode = 'JM008',
column = 'limit',
message = format('%s: limit must be a whole number from 1 to 10000, got %s', verb, filter ->> 'limit');
end if;
at_most := filter ->> 'limit';
end if;
execute format(
'select array(select job.id from %I.jobs job where %s order by job.id limit %s for update skip locked)', 'jobmaster', condition, at_most
)
into job_ids;
return job_ids;
end
$fn$;` },
  { name: 'bitten', sql: `create or replace function jobmaster.bitten(jobs integer, condition text)
returns jsonb
language plpgsql volatile
as $fn$
declare
more boolean;
begin
execute format('select exists (select from %I.jobs job where %s)', 'jobmaster', condition) into more;
return jsonb_build_object('jobs', jobs, 'more', more);
end
$fn$;` },
  { name: 'cancel', sql: `create or replace function jobmaster.cancel(job_id bigint)
returns text
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
job jobmaster.jobs;
affected_jobs bigint[];
begin
perform jobmaster.hold_groups(cancel.job_id);
with recursive affected (id) as (
select jobs.id from jobmaster.jobs where jobs.id = cancel.job_id and jobs.status = 'blocked'
union
select blockers.job_id
from affected
join jobmaster.blockers on blockers.blocker_id = affected.id
)
select array_agg(id) into affected_jobs from affected;
perform from jobmaster.jobs where id = any (affected_jobs) order by id for update;
select * into job from jobmaster.jobs where id = job_id for update;
if not found then
raise exception using errcode = 'JM011', message = format('there is no job #%s', job_id);
elsif job.status = 'running' then
update jobmaster.jobs set cancel_requested_at = coalesce(cancel_requested_at, jobmaster.clock()) where id = job_id;
elsif job.status in ('completed', 'failed', 'expanded') then
raise exception using
errcode = 'JM012',
message = format('job #%s is %s: only a job that has not finished can be cancelled', job_id, job.status);
elsif job.status <> 'cancelled' then
update jobmaster.jobs set status = 'cancelled', finished_at = jobmaster.clock() where id = job_id;
perform jobmaster.tally(array[job.task_id], 'cancelled', jobmaster.clock());
delete from jobmaster.job_keys where job_keys.job_id = cancel.job_id;
delete from jobmaster.blockers where blockers.job_id = cancel.job_id;
delete from jobmaster.group_waits where group_waits.job_id = cancel.job_id;
perform jobmaster.wake_dependents(array[job_id], jobmaster.groups_of(array[job_id]));
return 'cancelled';
end if;
return job.status;
end
$fn$;
create or replace function jobmaster.cancel(filter jsonb)
returns jsonb
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
condition text := jobmaster.filtered('cancel', filter, '{scheduled,waiting,blocked,running}');
begin
return jobmaster.bitten(cardinality(jobmaster.cancel_jobs(jobmaster.bite('cancel', filter, condition))), condition);
end
$fn$;
create or replace function jobmaster.cancel(filter text)
returns jsonb
language sql volatile
as $fn$
select jobmaster.cancel(filter::jsonb)
$fn$;` },
  { name: 'cancel_jobs', sql: `create or replace function jobmaster.cancel_jobs(job_ids bigint[])
returns bigint[]
language plpgsql volatile
as $fn$
declare
moment timestamptz := jobmaster.clock();
held bigint[];
held_groups bigint[];
asked bigint[];
cancelled bigint[];
cancelled_tasks integer[];
begin
with stopped as (
update jobmaster.jobs
set cancel_requested_at = moment
where id = any (job_ids) and status = 'running'
returning id
)
select array_agg(id) into asked from stopped;
held_groups := array(
select id from jobmaster.groups where id = any (jobmaster.groups_of(job_ids)) and ended_at is null order by id for no key update skip locked
);
with recursive affected (id) as (
select blockers.job_id from jobmaster.blockers where blockers.blocker_id = any (job_ids)
union
select blockers.job_id from affected join jobmaster.blockers on blockers.blocker_id = affected.id
)
select array(select id from jobmaster.jobs where id in (select id from affected) order by id for update skip locked) into held;
with recursive affected (target, id) as (
select blockers.blocker_id, blockers.job_id from jobmaster.blockers where blockers.blocker_id = any (job_ids)
union
select affected.target, blockers.job_id from affected join jobmaster.blockers on blockers.blocker_id = affected.id
), ended as (
update jobmaster.jobs
set status = 'cancelled', finished_at = moment
where id = any (job_ids)
and status in ('scheduled', 'waiting', 'blocked')
and not exists (select from affected where affected.target = jobs.id and affected.id <> all (held))
and not exists (
select
from jobmaster.groups
where groups.id = any (array[jobs.group_id, jobs.parent_id, case when expands then jobs.id end])
and ended_at is null
and groups.id <> all (held_groups)
)
returning id, task_id
)
select array_agg(id), array_agg(task_id) into cancelled, cancelled_tasks from ended;
if cancelled is not null then
perform jobmaster.tally(cancelled_tasks, 'cancelled', moment);
delete from jobmaster.job_keys where job_id = any (cancelled);
delete from jobmaster.blockers where job_id = any (cancelled);
delete from jobmaster.group_waits where job_id = any (cancelled);
perform jobmaster.wake_dependents(cancelled, jobmaster.groups_of(cancelled));
end if;
return coalesce(asked || cancelled, '{}');
end
$fn$;` },
  { name: 'change', sql: `create or replace function jobmaster.change(job_id bigint, priority integer default null, run_at timestamptz default null)
returns text
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
moment timestamptz := jobmaster.clock();
job jobmaster.jobs;
next_status text;
waits boolean;
begin
select * into job from jobmaster.jobs where id = job_id for update;
if not found then
raise exception using errcode = 'JM011', message = format('there is no job #%s', job_id);
elsif job.status not in ('scheduled', 'waiting', 'blocked') then
raise exception using
errcode = 'JM012',
message = format('job #%s is %s: only a job that waits can be changed', job_id, job.status);
elsif priority not between -1000000000 and 1000000000 then
raise exception using
errcode = 'JM008',
column = 'priority',
message = format('change: priority must be a whole number between -1000000000 and 1000000000, got %s', priority);
elsif run_at not between timestamptz '0001-01-01 00:00:00Z' and timestamptz '9999-12-31 00:00:00Z' then
raise exception using
errcode = 'JM008',
column = 'runAt',
message = format('change: run_at must be a time in the years 1 to 9999, got %s', run_at);
end if;
waits := exists (select from jobmaster.group_waits where group_waits.job_id = change.job_id);
next_status := case
when waits then job.status
when change.run_at > moment then 'scheduled'
when change.run_at is not null and job.status = 'scheduled' then 'waiting'
else job.status
end;
update jobmaster.jobs
set priority = coalesce(change.priority, jobs.priority),
rank = -coalesce(change.priority, jobs.priority),
run_at = coalesce(change.run_at, jobs.run_at),
status = next_status,
blocked_at = case when next_status <> 'scheduled' then blocked_at end
where id = job_id;
if next_status = 'scheduled' then
delete from jobmaster.blockers where blockers.job_id = change.job_id;
if job.attempt = 0 then
delete from jobmaster.job_keys where job_keys.job_id = change.job_id;
end if;
elsif not waits then
perform jobmaster.write_keys(array[job_id]);
end if;
if next_status = 'blocked' and change.priority > job.priority then
perform jobmaster.raise_priority(blockers.blocker_id, least(change.priority + 1, 1000000000))
from jobmaster.blockers
where blockers.job_id = change.job_id
order by blockers.blocker_id;
end if;
return next_status;
end
$fn$;` },
  { name: 'check_arguments', sql: `create or replace function jobmaster.check_arguments(
task jobmaster.tasks, args jsonb, out complete jsonb, out expands boolean, out code text, out problem text, out argument text
)
language plpgsql immutable
as $fn$
declare
label text := task.type_key || '.' || task.task_key || ': ';
params jsonb := task.params;
size integer;
names text[] := '{}';
name text;
param jsonb;
value jsonb;
phrase text;
combinations numeric := 1;
begin
expands := false;
if jsonb_typeof(args) is distinct from 'object' then
code := 'JM006';
problem := format('%sargs must be a JSON object, got %s', label, coalesce(jsonb_typeof(args), 'null'));
return;
end if;
size := octet_length(args::text);
if size > 1048576 then
code := 'JM005';
problem := format('%sargs are %s bytes of JSON, and at most 1048576 are taken: store the data elsewhere and pass its place', label, size);
return;
end if;
if size > 300 then
if jsonb_path_exists(args, '$.**{501}') then
code := 'JM004';
problem := label || 'args are nested more than 500 levels deep: send them flatter, or as a string';
return;
elsif jsonb_path_exists(args, '$.** ? (@.type() == "number" && (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308))') then
code := 'JM004';
problem := label || 'args have a number that does not fit 64 bits';
return;
end if;
end if;
for index in 0 .. jsonb_array_length(params) - 1 loop
names := names || (params -> index ->> 'name');
end loop;
if args - names <> '{}' then
code := 'JM003';
argument := (select key from jsonb_object_keys(args - names) key limit 1);
problem := format('%sunknown argument %s', label, jobmaster.shown(to_jsonb(argument)));
return;
end if;
complete := args;
for index in 0 .. jsonb_array_length(params) - 1 loop
param := params -> index;
name := param ->> 'name';
value := args -> name;
if value is null then
if (param ->> 'has_default')::boolean then
complete := complete || jsonb_build_object(name, param -> 'default');
elsif (param ->> 'required')::boolean then
code := 'JM002';
argument := name;
problem := format('%smissing argument %s', label, to_jsonb(name));
return;
end if;
continue;
end if;
if value = '"ALL"' and (param ->> 'write_all')::boolean then
expands := true;
combinations := combinations * jsonb_array_length(param -> 'options');
continue;
end if;
phrase := jobmaster.check_value(param -> 'schema', value);
continue when phrase is null;
code := 'JM004';
argument := name;
if (param ->> 'write_all')::boolean then
phrase := format(
'must be %s (or "ALL"), got %s',
jobmaster.one_of(case
when (param ->> 'nullable')::boolean then (param -> 'options') || 'null'
else param -> 'options'
end),
jobmaster.shown(value)
);
elsif value = '"ALL"' then
code := 'JM007';
phrase := 'is not a write-all parameter, so it cannot be "ALL"';
end if;
problem := format('%s%s%s%s', label, to_jsonb(name), case when phrase ~ '^[.[]' then '' else ' ' end, phrase);
return;
end loop;
if combinations > 10000 then
code := 'JM009';
problem := format('%s"ALL" stands for %s combinations here, and at most 10000 are taken: give some arguments a value', label, combinations);
end if;
end
$fn$;` },
  { name: 'check_job', sql: `create or replace function jobmaster.check_job(
task jobmaster.tasks, item jsonb, out complete jsonb, out expands boolean, out code text, out problem text, out argument text
)
language plpgsql stable
as $fn$
begin
if task.id is null then
code := 'JM001';
problem := jobmaster.unknown_task(item ->> 'task');
return;
end if;
argument := jobmaster.out_of_bounds((item ->> 'priority')::numeric, (item ->> 'run_at')::timestamptz);
if argument is null then
select * into complete, expands, code, problem, argument
from jobmaster.check_arguments(task, coalesce(item -> 'args', '{}'));
else
code := 'JM008';
problem := item ->> 'task' || case argument
when 'priority' then ': priority must be a whole number between -1000000000 and 1000000000, got ' || (item ->> 'priority')
else ': run_at must be a time in the years 1 to 9999, got ' || (item ->> 'run_at')::timestamptz
end;
end if;
end
$fn$;` },
  { name: 'check_value', sql: `create or replace function jobmaster.check_value(schema jsonb, value jsonb, definitions jsonb default null, depth integer default 0)
returns text
language plpgsql immutable
as $fn$
declare
kind text := jsonb_typeof(value);
kinds jsonb := schema -> 'type';
number numeric;
string text;
size integer;
name text;
part jsonb;
part_schema jsonb;
phrase text;
phrases text[];
begin
if schema is null then
return null;
end if;
if kind = 'number' then
number := (value #>> '{}')::numeric;
if abs(number) > 1.7976931348623157e308 then
return 'must be a number that fits 64 bits, got ' || jobmaster.shown(value);
elsif (scale(number) > 0 or abs(number) > 9007199254740992) and abs(number) > 1e-300 then
number := number::double precision::text::numeric;
value := to_jsonb(number);
end if;
end if;
if schema ? 'enum' and (kind in ('array', 'object') or not schema -> 'enum' @> jsonb_build_array(value)) then
return format('must be %s, got %s', jobmaster.one_of(schema -> 'enum'), jobmaster.shown(value));
elsif schema ? 'const' and schema -> 'const' <> value then
return format('must be %s, got %s', jobmaster.shown(schema -> 'const'), jobmaster.shown(value));
elsif not kinds ? kind and not (kind = 'number' and kinds ? 'integer') then
return format(
'must be %s, got %s',
(
select string_agg(
case one #>> '{}'
when 'null' then 'null'
when 'integer' then 'a whole number'
when 'array' then 'an array'
when 'object' then 'an object'
else 'a ' || (one #>> '{}')
end,
' or '
)
from jsonb_array_elements(case jsonb_typeof(kinds) when 'array' then kinds else jsonb_build_array(kinds) end) one
),
kind
);
end if;
if kind = 'number' then
if schema = '{"type": "number"}' then
return null;
elsif number % 1 <> 0 and kinds ? 'integer' and not kinds ? 'number' then
return 'must be a whole number, got ' || jobmaster.shown(value);
elsif number < (schema ->> 'minimum')::numeric then
return format('must be at least %s, got %s', schema ->> 'minimum', jobmaster.shown(value));
elsif number > (schema ->> 'maximum')::numeric then
return format('must be at most %s, got %s', schema ->> 'maximum', jobmaster.shown(value));
elsif number <= (schema ->> 'exclusiveMinimum')::numeric then
return format('must be greater than %s, got %s', schema ->> 'exclusiveMinimum', jobmaster.shown(value));
elsif number >= (schema ->> 'exclusiveMaximum')::numeric then
return format('must be less than %s, got %s', schema ->> 'exclusiveMaximum', jobmaster.shown(value));
elsif number % (schema ->> 'multipleOf')::numeric <> 0 and abs(number) <= 9007199254740992 then
return format('must be a multiple of %s, got %s', schema ->> 'multipleOf', jobmaster.shown(value));
end if;
elsif kind = 'string' then
string := value #>> '{}';
if schema ?| '{minLength,maxLength}' then
size := char_length(string);
if size <> octet_length(string) then
size := size + regexp_count(string collate "C", '[\\U00010000-\\U0010ffff]');
end if;
if size < (schema ->> 'minLength')::numeric then
return format('must have at least %s, got %s', jobmaster.counted(schema ->> 'minLength', 'character'), size);
elsif size > (schema ->> 'maxLength')::numeric then
return format('must have at most %s, got %s', jobmaster.counted(schema ->> 'maxLength', 'character'), size);
end if;
end if;
if schema ? 'pattern' and string collate "C" !~ (schema ->> 'pattern') then
return format(
'must %s, got %s', coalesce(schema ->> 'description', 'match ' || (schema ->> 'pattern')), jobmaster.shown(value)
);
end if;
elsif kind = 'array' then
size := jsonb_array_length(value);
if size < (schema ->> 'minItems')::numeric then
return format('must have at least %s, got %s', jobmaster.counted(schema ->> 'minItems', 'item'), size);
elsif size > (schema ->> 'maxItems')::numeric then
return format('must have at most %s, got %s', jobmaster.counted(schema ->> 'maxItems', 'item'), size);
elsif schema -> 'items' = 'false' and size > jsonb_array_length(schema -> 'prefixItems') then
return format(
'must have at most %s, got %s', jobmaster.counted(jsonb_array_length(schema -> 'prefixItems')::text, 'item'), size
);
end if;
end if;
if depth >= 100 then
return null;
end if;
definitions := coalesce(definitions, schema -> '$defs');
if kind = 'array' and schema ?| '{items,prefixItems}' then
for index in 0 .. size - 1 loop
part_schema := coalesce(schema -> 'prefixItems' -> index, schema -> 'items');
exit when part_schema is null;
phrase := jobmaster.check_value(part_schema, value -> index, definitions, depth + 1);
if phrase is not null then
return format('[%s]', index) || case when phrase ~ '^[.[]' then '' else ' ' end || phrase;
end if;
end loop;
elsif kind = 'object' then
if schema ?| '{minProperties,maxProperties}' then
size := (select count(*) from jsonb_object_keys(value));
if size < (schema ->> 'minProperties')::numeric then
return format('must have at least %s, got %s', jobmaster.counted(schema ->> 'minProperties', 'key'), size);
elsif size > (schema ->> 'maxProperties')::numeric then
return format('must have at most %s, got %s', jobmaster.counted(schema ->> 'maxProperties', 'key'), size);
end if;
end if;
for name in select jsonb_array_elements_text(schema -> 'required') loop
if not value ? name then
return format('has no key %s', jobmaster.shown(to_jsonb(name)));
end if;
end loop;
if schema ?| '{properties,additionalProperties,propertyNames}' then
for name, part in select * from jsonb_each(value) loop
part_schema := coalesce(schema -> 'properties' -> name, schema -> 'additionalProperties');
if part_schema = 'false' then
return format('has the unknown key %s', jobmaster.shown(to_jsonb(name)));
end if;
phrase := jobmaster.check_value(schema -> 'propertyNames', to_jsonb(name), definitions, depth + 1);
if phrase is not null then
return format('has the key %s, which %s', jobmaster.shown(to_jsonb(name)), phrase);
end if;
phrase := jobmaster.check_value(part_schema, part, definitions, depth + 1);
if phrase is not null then
return case when name ~ '^[A-Za-z_][A-Za-z_0-9]*$' then '.' || name else format('[%s]', jobmaster.shown(to_jsonb(name))) end
|| case when phrase ~ '^[.[]' then '' else ' ' end
|| phrase;
end if;
end loop;
end if;
end if;
if not schema ?| '{allOf,anyOf,not,$ref}' then
return null;
end if;
if schema ? 'not' and jobmaster.check_value(schema -> 'not', value, definitions, depth + 1) is null then
return case schema -> 'not' when '{}' then 'takes no value, got ' else 'must not be ' end || jobmaster.shown(value);
end if;
if schema ? '$ref' then
name := replace(replace(substring(schema ->> '$ref' from '[^/]*$'), '~1', '/'), '~0', '~');
phrase := jobmaster.check_value(definitions -> name, value, definitions, depth + 1);
if phrase is not null then
return phrase;
end if;
end if;
for part_schema in select jsonb_array_elements(schema -> 'allOf') loop
phrase := jobmaster.check_value(part_schema, value, definitions, depth + 1);
if phrase is not null then
return phrase;
end if;
end loop;
if schema ? 'anyOf' then
for part_schema in select jsonb_array_elements(schema -> 'anyOf') loop
phrase := jobmaster.check_value(part_schema, value, definitions, depth + 1);
if phrase is null then
return null;
end if;
phrases := phrases || phrase;
end loop;
return left('fits none of its forms: ' || array_to_string(phrases, '; '), 400);
end if;
return null;
end
$fn$;` },
  { name: 'checked_arguments', sql: `create or replace function jobmaster.checked_arguments(task jobmaster.tasks, item jsonb, items jsonb)
returns jsonb
language plpgsql stable
as $fn$
declare
checked record;
begin
select * into checked from jobmaster.check_job(task, item);
if checked.code is not null then
perform jobmaster.refuse(items);
end if;
return checked.complete;
end
$fn$;` },
  { name: 'choose', sql: `create or replace function jobmaster.choose(
able integer[], slots integer[], units integer[], heavy integer[], free_units bigint, wanted integer, on_system text,
moment timestamptz, since bigint
)
returns bigint[]
language plpgsql volatile
as $fn$
declare
starving record;
free_at timestamptz;
candidate record;
chosen bigint[] := '{}';
begin
select late.rank, late.id, late.process_units
into starving
from (
select head.rank, head.id, task.process_units
from jobmaster.tasks task
cross join lateral (
(
select job.rank, job.id, job.run_at
from jobmaster.jobs job
where task.process_limit_per is null
and task.rate_limit is null
and job.status = 'waiting'
and (job.task_id, job.rank, job.id) > (task.id, -2147483648, 0)
and job.task_id <= task.id
order by job.task_id, job.rank, job.id
limit 1
)
union all
select job.rank, job.id, job.run_at
from (select where task.process_limit_per is not null or task.rate_limit is not null) limits
cross join lateral jobmaster.limited(task, 1, since, moment) first
join jobmaster.jobs job on job.id = first.id
) head
where task.id = any (heavy) and head.run_at <= moment - interval '1 minute'
union all
(
select job.rank, job.id, job.process_units
from jobmaster.jobs job
where job.status = 'waiting'
and job.suspect
and not exists (
select
from jobmaster.tasks task
where task.id = job.task_id and (task.process_limit_per is not null or task.rate_limit is not null)
)
and job.run_at <= moment - interval '1 minute'
and array_position(able, job.task_id) is not null
order by job.rank, job.id
limit 1
)
) late
order by late.rank, late.id
limit 1;
if starving.id is not null then
select min(held.lease_until)
into free_at
from (
select job.lease_until, sum(job.process_units) over (order by job.lease_until) as freed
from jobmaster.jobs job
where job.status = 'running' and job.system = on_system
) held
where held.freed + free_units >= starving.process_units;
end if;
for candidate in
select head.id, may.index, may.process_units
from unnest(able, slots, units) with ordinality may (id, room, process_units, index)
join jobmaster.tasks task on task.id = may.id
cross join lateral (
(
select job.id, job.rank
from jobmaster.jobs job
where task.process_limit_per is null
and task.rate_limit is null
and job.status = 'waiting'
and (job.task_id, job.rank, job.id) > (may.id, -2147483648, 0)
and job.task_id <= may.id
and not job.suspect
order by job.task_id, job.rank, job.id
limit least(may.room, wanted, free_units / may.process_units)
)
union all
select first.id, first.rank
from (select where task.process_limit_per is not null or task.rate_limit is not null) limits
cross join lateral jobmaster.limited(task, least(may.room, wanted, free_units / may.process_units), since, moment) first
) head
where starving.id is null
or (head.rank, head.id) < (starving.rank, starving.id)
or moment + task.timeout_ms * interval '1 millisecond' <= free_at
order by head.rank, head.id
loop
exit when cardinality(chosen) >= wanted;
if (slots[candidate.index] > 0) is not false and candidate.process_units <= free_units then
chosen := chosen || candidate.id;
slots[candidate.index] := slots[candidate.index] - 1;
free_units := free_units - candidate.process_units;
end if;
end loop;
return array(
select job.id
from jobmaster.jobs job
where job.id = any (chosen) and job.status = 'waiting'
order by job.rank, job.id
for update skip locked
);
end
$fn$;` },
  { name: 'claim', sql: `create or replace function jobmaster.claim(request jsonb, out jobs text, out met text, out told jsonb)
language plpgsql volatile
as $fn$
declare
wanted integer := request ->> 'limit';
all_units bigint := request ->> 'units';
hashes jsonb := request -> 'tasks';
me uuid := request ->> 'invocation';
call integer := request ->> 'sequence';
on_system text := request ->> 'system';
since bigint := coalesce((request ->> 'since')::bigint, 0);
after_rank integer := request -> 'after' ->> 0;
after_id bigint := request -> 'after' ->> 1;
from_top boolean;
claim_number bigint;
moment timestamptz;
oldest bigint;
free_units bigint := all_units;
expired boolean;
again boolean;
asked bigint[];
able integer[];
names text[];
slots integer[];
units integer[];
common_units integer;
special boolean[];
limited boolean[];
heavy integer[];
chosen bigint[];
in_order boolean;
has_special boolean;
mixed boolean;
moved boolean;
last_rank integer;
last_id bigint;
has_suspects boolean;
suspect record;
alone boolean := false;
expanding bigint[];
dependent bigint[];
plain bigint[];
seen record;
looked record;
problems jsonb;
ready bigint[];
until timestamptz;
taken text;
taken_count integer;
expanded integer := 0;
children integer := 0;
blocked integer := 0;
contended integer := 0;
queued boolean;
setting text;
begin
setting := set_config('tcp_user_timeout', '5000', true);
queued := not pg_try_advisory_xact_lock(hashtextextended('jobmaster', 0));
if queued then
perform pg_advisory_xact_lock(hashtextextended('jobmaster', 0));
end if;
moment := jobmaster.clock();
until := moment + (request ->> 'lease_ms')::double precision * interval '1 millisecond';
for round in 1 .. 10 loop
select
array_agg(task.id),
array_agg(task.name),
array_agg(task.room),
array_agg(task.process_units),
array_agg(task.dependent),
array_agg(task.limited)
into able, names, slots, units, special, limited
from (
select
task.id,
to_json(task.type_key || '.' || task.task_key)::text as name,
case when task.process_limit_per is null then task.process_limit end as room,
task.process_units,
task.process_limit_per is not null or task.rate_limit is not null as limited,
exists (select from jobmaster.dependencies dependency where dependency.task_id = task.id) as dependent
from jobmaster.tasks task
where task.retired_at is null
and task.paused_at is null
and not exists (select from jobmaster.systems pool where pool.name = on_system and pool.paused_at is not null)
and task.process_units <= all_units
and task.hash = hashes ->> (task.type_key || '.' || task.task_key)
and (
task.timeout_ms is null
or task.timeout_ms <= (request ->> 'time_left_ms')::double precision
or (request ->> 'started')::integer = 0
)
) task;
if round = 1 or claim_number is not null then
select
exists (select from jobmaster.jobs job where job.status = 'waiting' and job.suspect),
all_units - coalesce(sum(job.process_units) filter (where job.system = on_system), 0),
min(job.claim),
coalesce(min(job.claim), since),
bool_or(job.lease_until <= moment),
bool_or(job.sequence = call and job.invocation = me),
array_agg(job.id) filter (where job.cancel_requested_at is not null and job.invocation = me)
into has_suspects, free_units, oldest, since, expired, again, asked
from jobmaster.jobs job
where job.status = 'running' and job.claim >= since;
end if;
if round = 1 and again then
select
'[' || string_agg(concat_ws(
',', job.id, to_json(task.type_key || '.' || task.task_key), job.attempt, job.priority, job.args,
coalesce(job.error -> 'message', case when job.trace is not null then 'null'::jsonb end),
to_json(job.trace)
), '],[') || ']',
array_agg(job.id),
bool_or(job.suspect)
into jobs, chosen, alone
from jobmaster.jobs job
join jobmaster.tasks task on task.id = job.task_id
where job.status = 'running' and job.claim >= since and job.invocation = me and job.sequence = call;
met := (jobmaster.freshness(chosen, moment)).met;
after_id := null;
exit;
end if;
heavy := null;
if oldest is not null and 0 < any (slots) or free_units < any (units) then
select
array_agg(task.id) filter (where task.units <= free_units),
array_agg(task.name) filter (where task.units <= free_units),
array_agg(task.room - coalesce(busy.jobs, 0)) filter (where task.units <= free_units),
array_agg(task.units) filter (where task.units <= free_units),
array_agg(task.dependent) filter (where task.units <= free_units),
array_agg(task.limited) filter (where task.units <= free_units),
array_agg(task.id) filter (where task.units > free_units)
into able, names, slots, units, special, limited, heavy
from unnest(able, names, slots, units, special, limited) task (id, name, room, units, dependent, limited)
left join (
select job.task_id, count(*)::integer as jobs
from jobmaster.jobs job
where job.status = 'running' and job.claim >= since
group by job.task_id
) busy on busy.task_id = task.id
where (task.room > coalesce(busy.jobs, 0)) is not false;
end if;
exit when able is null;
common_units := case when units[1] = all (units) then units[1] end;
from_top := after_id is null;
has_special := true;
if common_units is not null and (wanted <= all (slots)) is not false and not true = any (special || limited) then
select array_agg(head.id), max(head.rank), bool_and(head.task_id = any (able)), bool_or(head.expands)
into chosen, last_rank, in_order, has_special
from (
select job.id, job.task_id, job.rank, job.expands
from jobmaster.jobs job
where job.status = 'waiting' and not job.suspect and (job.rank, job.id) > (coalesce(after_rank, -2147483648), coalesce(after_id, 0))
order by job.rank, job.id
limit wanted
for update skip locked
) head;
in_order := in_order and cardinality(chosen) * common_units <= free_units;
end if;
if has_special then
with head as materialized (
select job.id, job.task_id, job.rank, job.expands
from jobmaster.jobs job
where job.status = 'waiting' and not job.suspect and (job.rank, job.id) > (coalesce(after_rank, -2147483648), coalesce(after_id, 0))
order by job.rank, job.id
limit wanted
for update skip locked
), load as (
select head.task_id, count(*) as jobs, bool_or(head.expands) as expands, max(head.rank) as last_rank
from head
group by head.task_id
), judged as (
select
bool_and(may.place is not null and not limited[may.place] and (load.jobs <= slots[may.place]) is not false) as each_fits,
sum(load.jobs * units[may.place]) as weight,
bool_or(load.expands or special[may.place]) as some_special,
bool_or(load.expands or special[may.place]) and not bool_and(special[may.place] and not load.expands) as mixed,
max(load.last_rank) as last_rank
from load
cross join lateral (select array_position(able, load.task_id) as place) may
)
select
nullif(array(select head.id from head), '{}'),
judged.last_rank,
judged.each_fits and judged.weight <= free_units,
judged.some_special,
judged.mixed,
case when judged.mixed then nullif(array(select head.id from head where head.expands), '{}') end,
case when judged.mixed then nullif(array(select head.id from head where not head.expands and special[array_position(able, head.task_id)]), '{}') end,
case when judged.mixed then array(
select head.id from head where not head.expands and (special[array_position(able, head.task_id)]) is not true
) end
into chosen, last_rank, in_order, has_special, mixed, expanding, dependent, plain
from judged;
if has_special and not mixed then
dependent := chosen;
plain := '{}';
end if;
end if;
if has_suspects and in_order then
in_order := not exists (
select
from jobmaster.jobs job
where job.status = 'waiting'
and job.suspect
and job.run_at <= moment - interval '1 minute'
and job.task_id = any (able || heavy)
);
end if;
if not in_order then
chosen := jobmaster.choose(able, slots, units, heavy, free_units, wanted, on_system, moment, since);
has_special := true;
end if;
if has_suspects and round = 1 and (request ->> 'held')::integer = 0 and (request ->> 'beside')::boolean is not true then
select job.id, job.rank
into suspect
from jobmaster.jobs job
where job.status = 'waiting'
and job.suspect
and job.task_id = any (able)
and (
not true = any (limited)
or (select jobmaster.may_start(task, job.args, since, moment) from jobmaster.tasks task where task.id = job.task_id)
)
order by job.rank, job.id
limit 1
for update skip locked;
alone := found and not exists (
select
from jobmaster.jobs job
where job.id = chosen[1] and (job.rank, job.id) < (suspect.rank, suspect.id)
);
end if;
if alone then
chosen := array[suspect.id];
in_order := false;
has_special := true;
wanted := 1;
elsif chosen is null then
exit when from_top;
after_id := null;
after_rank := null;
continue;
elsif chosen = '{}' then
exit;
end if;
last_id := chosen[cardinality(chosen)];
moved := false;
problems := null;
ready := null;
if has_special then
if in_order then
chosen := plain;
else
select
array_agg(job.id order by job.rank, job.id) filter (where job.expands),
array_agg(job.id order by job.rank, job.id) filter (where not job.expands and may.dependent),
coalesce(array_agg(job.id) filter (where not job.expands and not may.dependent), '{}')
into expanding, dependent, chosen
from jobmaster.jobs job
join unnest(able, special) may (id, dependent) on may.id = job.task_id
where job.id = any (chosen);
end if;
if expanding is not null then
children := children + jobmaster.expand(expanding[1:1], moment);
expanded := expanded + 1;
moved := true;
end if;
if dependent is not null then
select * into seen from jobmaster.freshness(dependent, moment);
chosen := chosen || seen.fresh;
if seen.stale is not null then
select * into looked from jobmaster.look(seen.stale, moment);
problems := nullif(looked.problems, '{}');
blocked := blocked + looked.blocked;
contended := contended + looked.contended;
moved := moved or looked.blocked > 0 or looked.contended > 0;
ready := looked.ready;
chosen := chosen || ready;
end if;
end if;
if in_order and cardinality(expanding) > 1 then
select coalesce(array_agg(job.id), '{}')
into chosen
from jobmaster.jobs job
join jobmaster.jobs next on next.id = expanding[2]
where job.id = any (chosen) and (job.rank, job.id) < (next.rank, next.id);
end if;
if moved and not in_order then
select coalesce(array_agg(job.id), '{}')
into chosen
from jobmaster.jobs job
where job.id = any (chosen)
and ((job.rank, job.id) < (
select other.rank, other.id
from jobmaster.jobs other
where other.id = any (expanding[1:1] || dependent) and other.status in ('expanded', 'blocked')
order by other.rank, other.id
limit 1
)) is not false;
end if;
if dependent is not null then
if ready is not null or cardinality(expanding) > 1 or moved and not in_order then
seen := jobmaster.freshness(chosen, moment);
end if;
met := nullif(concat_ws(',', met, seen.met), '');
end if;
end if;
taken_count := 0;
if chosen <> '{}' then
claim_number := coalesce(claim_number, nextval('jobmaster.claims'));
with taken as (
update jobmaster.jobs job
set status = 'running',
attempt = job.attempt + 1,
started_at = moment,
lease_until = until,
claim = claim_number,
invocation = me,
sequence = call,
system = on_system,
process_units = coalesce(common_units, units[array_position(able, job.task_id)]),
blocked_at = null,
error = case
when problems is not null and problems ? job.id::text
then jsonb_build_object('name', 'DependencyFailed', 'message', problems ->> job.id::text)
end
where job.id = any (chosen)
returning concat_ws(
',', job.id, names[array_position(able, job.task_id)], job.attempt, job.priority, job.args,
coalesce(job.error -> 'message', case when job.trace is not null then 'null'::jsonb end),
to_json(job.trace)
) as job
)
select
count(*),
'[' || string_agg(job, '],[') || ']'
into taken_count, taken
from taken;
jobs := nullif(concat_ws(',', jobs, taken), '');
if true = any (limited) then
perform jobmaster.note_starts(chosen, moment);
end if;
end if;
wanted := wanted - taken_count;
if in_order and not moved then
after_rank := last_rank;
after_id := last_id;
else
after_rank := null;
after_id := null;
end if;
exit when alone or wanted <= 0 or contended > 0 or children > 1000 or (not moved and (from_top or not in_order));
if not moved then
after_rank := null;
after_id := null;
end if;
end loop;
if oldest is null and claim_number is not null then
since := claim_number;
end if;
if expired then
expired := exists (
select
from jobmaster.jobs job
where job.status = 'running' and job.claim >= since
group by job.invocation
having max(job.lease_until) <= moment
);
end if;
told := jsonb_build_object(
'expanded', expanded,
'blocked', blocked,
'contended', contended,
'queued', queued,
'cancel', asked,
'expired', expired,
'alone', alone and jobs is not null,
'since', case when claim_number is not null then since end,
'after', case when after_id is not null then jsonb_build_array(after_rank, after_id) end
);
end
$fn$;` },
  { name: 'clock', sql: `create or replace function jobmaster.clock()
returns timestamptz
language sql volatile
as $fn$
select clock_timestamp()
$fn$;` },
  { name: 'combinations', sql: `create or replace function jobmaster.combinations(args jsonb, choices jsonb)
returns setof jsonb
language sql immutable
as $fn$
with recursive choice as (
select row_number() over () as position, key as name, value as options
from jsonb_each(choices)
), step as (
select args as chosen, array[]::bigint[] as path, 0::bigint as position
union all
select step.chosen || jsonb_build_object(choice.name, option.value), step.path || option.ordinality, choice.position
from step
join choice on choice.position = step.position + 1
cross join jsonb_array_elements(choice.options) with ordinality option
)
select chosen
from step
where position = (select count(*) from choice)
order by path
$fn$;` },
  { name: 'complete', sql: `create or replace function jobmaster.complete(job_id bigint, attempt integer, invocation uuid)
returns void
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
perform jobmaster.read_committed();
perform from jobmaster.jobs where id = job_id for update;
perform jobmaster.fence(job_id, attempt, invocation);
perform jobmaster.settle(jsonb_build_object(
'invocation', invocation,
'completed', jsonb_build_object('ids', array[job_id]::text, 'attempts', array[attempt]::text),
'outcomes', '[]'::jsonb
));
end
$fn$;` },
  { name: 'counted', sql: `create or replace function jobmaster.counted(number text, noun text)
returns text
language sql immutable
as $fn$
select number || ' ' || noun || case number when '1' then '' else 's' end
$fn$;` },
  { name: 'debounce', sql: `create or replace function jobmaster.debounce(debounced bigint, new_args jsonb, new_expands boolean, due_at timestamptz)
returns void
language plpgsql volatile
as $fn$
declare
waits boolean := exists (select from jobmaster.group_waits where job_id = debounced);
begin
update jobmaster.jobs
set status = case when waits then 'blocked' else 'scheduled' end, run_at = due_at, args = new_args, expands = new_expands, blocked_at = null
where id = debounced;
delete from jobmaster.blockers where job_id = debounced;
delete from jobmaster.job_keys where job_id = debounced;
if not waits then
perform jobmaster.write_keys(array[debounced]);
end if;
end
$fn$;` },
  { name: 'delete', sql: `create or replace function jobmaster.delete(job_id bigint)
returns void
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
job jobmaster.jobs;
begin
perform jobmaster.hold_groups(job_id);
select * into job from jobmaster.jobs where id = job_id for update;
if not found then
raise exception using errcode = 'JM011', message = format('there is no job #%s', job_id);
elsif job.status = 'running' then
raise exception using
errcode = 'JM012',
message = format('job #%s is running: cancel it, and delete it once it has ended', job_id);
elsif job.finished_at is null then
perform jobmaster.cancel(job_id);
end if;
perform jobmaster.delete_jobs(array[job_id]);
end
$fn$;
create or replace function jobmaster.delete(filter jsonb)
returns jsonb
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
condition text := jobmaster.filtered('delete', filter, case
when filter ->> 'status' is not null then '{scheduled,waiting,blocked,completed,failed,cancelled,expanded}'::text[]
else '{completed,failed,cancelled,expanded}'
end);
job_ids bigint[] := jobmaster.bite('delete', filter, condition);
begin
if filter ->> 'status' in ('scheduled', 'waiting', 'blocked') then
job_ids := jobmaster.cancel_jobs(job_ids);
end if;
perform jobmaster.delete_jobs(job_ids);
return jobmaster.bitten(cardinality(job_ids), condition);
end
$fn$;
create or replace function jobmaster.delete(filter text)
returns jsonb
language sql volatile
as $fn$
select jobmaster.delete(filter::jsonb)
$fn$;` },
  { name: 'group_members', sql: `create or replace function jobmaster.group_members(group_id bigint)
returns table (id bigint, task_id integer, status text, finished_at timestamptz, error jsonb)
language sql stable
as $fn$
select job.id, job.task_id, job.status, job.finished_at, job.error
from jobmaster.jobs job
where job.group_id = $1 and job.status <> 'expanded'
union all
select job.id, job.task_id, job.status, job.finished_at, job.error
from jobmaster.jobs job
where job.parent_id = $1
union all
select job.id, job.task_id, job.status, job.finished_at, job.error
from jobmaster.jobs job
where job.id = $1 and job.expands and job.status <> 'expanded'
$fn$;` },
  { name: 'delete_groups', sql: `create or replace function jobmaster.delete_groups(group_ids bigint[])
returns void
language sql volatile
as $fn$
delete from jobmaster.groups
where id = any (array(
select id
from jobmaster.groups
where id = any (group_ids) and ended_at is not null and not exists (select from jobmaster.group_members(groups.id))
for update skip locked
))
$fn$;` },
  { name: 'delete_jobs', sql: `create or replace function jobmaster.delete_jobs(job_ids bigint[])
returns void
language sql volatile
as $fn$
delete from jobmaster.job_keys where job_id = any (job_ids);
delete from jobmaster.blockers where job_id = any (job_ids);
delete from jobmaster.group_waits where job_id = any (job_ids);
delete from jobmaster.unique_keys
where ctid = any (array(select ctid from jobmaster.unique_keys where job_id = any (job_ids) for update skip locked));
delete from jobmaster.attempts where job_id = any (job_ids);
delete from jobmaster.progress where job_id = any (job_ids);
delete from jobmaster.log_lines where job_id = any (job_ids);
delete from jobmaster.jobs where id = any (job_ids)
$fn$;` },
  { name: 'deploy_catalog', sql: `create or replace function jobmaster.deploy_catalog(catalog jsonb, functions text)
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
$fn$;` },
  { name: 'deploy_schedules', sql: `create or replace function jobmaster.deploy_schedules(given jsonb)
returns void
language plpgsql volatile
as $fn$
declare
one record;
checked record;
ahead timestamptz[];
begin
for one in
select
value ->> 'type_key' as type_key,
value ->> 'schedule_key' as schedule_key,
value ->> 'hash' as hash,
value ->> 'cron' as cron,
value ->> 'timezone' as timezone,
value ->> 'catch_up' as catch_up,
value -> 'args' as args,
value -> 'ticks' as ticks,
task
from jsonb_array_elements(given)
join jobmaster.tasks task on task.type_key || '.' || task.task_key = value ->> 'task' and task.retired_at is null
order by 1, 2
loop
checked := jobmaster.check_arguments(one.task, one.args);
if checked.code is not null then
raise exception using
errcode = 'JM014',
message = format('deploy refused: schedule %s.%s: %s', one.type_key, one.schedule_key, checked.problem);
end if;
ahead := array(select tick::timestamptz from jsonb_array_elements_text(one.ticks) tick order by 1);
insert into jobmaster.schedules as schedule (
type_key, schedule_key, hash, task_id, args, cron, timezone, catch_up, coming, next_tick, refill_at, computed_until
)
values (
one.type_key, one.schedule_key, one.hash, (one.task).id, checked.complete, one.cron, one.timezone, one.catch_up,
ahead, ahead[1], ahead[(cardinality(ahead) + 1) / 2], ahead[cardinality(ahead)]
)
on conflict (type_key, schedule_key) do update
set hash = excluded.hash,
task_id = excluded.task_id,
args = excluded.args,
cron = excluded.cron,
timezone = excluded.timezone,
catch_up = excluded.catch_up,
coming = case when (schedule.cron, schedule.timezone) = (excluded.cron, excluded.timezone) then schedule.coming else excluded.coming end,
next_tick = case when (schedule.cron, schedule.timezone) = (excluded.cron, excluded.timezone) then schedule.next_tick else excluded.next_tick end,
refill_at = case when (schedule.cron, schedule.timezone) = (excluded.cron, excluded.timezone) then schedule.refill_at else excluded.refill_at end,
computed_until = case when (schedule.cron, schedule.timezone) = (excluded.cron, excluded.timezone) then schedule.computed_until else excluded.computed_until end
where schedule.hash <> excluded.hash;
end loop;
with removed as (
delete from jobmaster.schedules schedule
where not exists (
select
from jsonb_array_elements(given)
where value ->> 'type_key' = schedule.type_key and value ->> 'schedule_key' = schedule.schedule_key
)
returning id
)
delete from jobmaster.ticks where schedule_id in (select id from removed);
end
$fn$;` },
  { name: 'empty_groups', sql: `create or replace function jobmaster.empty_groups(ended_before timestamptz, at_most integer)
returns bigint[]
language sql stable
as $fn$
select array(
select id
from jobmaster.groups
where ended_at < ended_before and not exists (select from jobmaster.group_members(groups.id))
limit at_most
)
$fn$;` },
  { name: 'end_groups', sql: `create or replace function jobmaster.end_groups(group_ids bigint[])
returns void
language plpgsql volatile
as $fn$
declare
moment timestamptz := jobmaster.clock();
open_groups bigint[];
over_now bigint[];
late_groups bigint[];
begin
with recursive reached (id) as (
select open.id from jobmaster.groups open where open.id = any (group_ids) and open.ended_at is null
union
select job.group_id
from reached
join jobmaster.group_waits waits on waits.group_id = reached.id
join jobmaster.jobs job on job.id = waits.job_id
where job.group_id is not null
)
select array_agg(id order by id) into open_groups from reached;
if open_groups is null then
return;
end if;
perform from jobmaster.groups where id = any (open_groups) and ended_at is null order by id for no key update;
loop
over_now := array(
select id
from jobmaster.groups
where id = any (open_groups)
and ended_at is null
and not exists (
select from jobmaster.group_members(id) member where member.status = any ('{blocked,running,scheduled,waiting}')
)
order by id
);
exit when over_now = '{}';
perform from jobmaster.groups where id = any (over_now) order by id for update;
select array_agg(distinct job.group_id)
into late_groups
from jobmaster.group_waits waits
join jobmaster.jobs job on job.id = waits.job_id
where waits.group_id = any (over_now) and job.group_id <> all (open_groups);
if late_groups is not null then
perform from jobmaster.groups where id = any (late_groups) order by id for no key update;
open_groups := open_groups || late_groups;
end if;
update jobmaster.groups
set ended_at = moment,
jobs = counted.jobs,
failures = counted.failures,
failure = (
select format('%s.%s #%s %s', task.type_key, task.task_key, job.id, case job.status
when 'failed' then 'failed: ' || left(coalesce(job.error ->> 'message', ''), 1500)
else 'was cancelled'
end)
from jobmaster.jobs job
join jobmaster.tasks task on task.id = job.task_id
where job.id = counted.first_failed
),
on_complete = case when counted.failures = 0 then on_complete end,
on_failed = case when counted.failures > 0 then on_failed end
from (
select
over_id,
count(member.id) as jobs,
count(member.id) filter (where member.status <> 'completed') as failures,
min(member.id) filter (where member.status <> 'completed') as first_failed
from unnest(over_now) over_id
left join lateral jobmaster.group_members(over_id) member on true
group by over_id
) counted
where groups.id = counted.over_id;
perform jobmaster.end_waits(over_now);
end loop;
end
$fn$;` },
  { name: 'end_waits', sql: `create or replace function jobmaster.end_waits(group_ids bigint[])
returns void
language plpgsql volatile
as $fn$
declare
moment timestamptz := jobmaster.clock();
waiters bigint[];
failed_tasks integer[];
begin
select array_agg(distinct job_id) into waiters from jobmaster.group_waits where group_id = any (group_ids);
if waiters is null then
return;
end if;
perform from jobmaster.jobs where id = any (waiters) order by id for update;
perform jobmaster.delete_jobs(array(
select waits.job_id
from jobmaster.group_waits waits
join jobmaster.groups ended on ended.id = waits.group_id
where waits.group_id = any (group_ids) and waits.condition = case when ended.failures > 0 then 'onComplete' else 'onFailed' end
));
with reason as (
select distinct on (waits.job_id) waits.job_id, format(
'group %s, which this job waits for, did not complete: %s%s',
ended.id,
ended.failure,
case when ended.failures > 1 then format(' (and %s more)', ended.failures - 1) end
) as message
from jobmaster.group_waits waits
join jobmaster.groups ended on ended.id = waits.group_id
where waits.group_id = any (group_ids) and waits.condition = 'completed' and ended.failures > 0
order by waits.job_id, ended.id
), doomed as (
update jobmaster.jobs job
set status = 'failed', finished_at = moment, error = jsonb_build_object('name', 'DependencyFailed', 'message', left(reason.message, 2000))
from reason
where job.id = reason.job_id and job.status = 'blocked'
returning job.task_id
)
select array_agg(task_id) into failed_tasks from doomed;
perform jobmaster.tally(failed_tasks, 'failed', moment);
delete from jobmaster.group_waits
where group_id = any (group_ids)
or job_id = any (array(select id from jobmaster.jobs where id = any (waiters) and status <> 'blocked'));
update jobmaster.jobs
set status = case when run_at > moment then 'scheduled' else 'waiting' end
where id = any (waiters)
and status = 'blocked'
and not exists (select from jobmaster.group_waits waits where waits.job_id = jobs.id);
perform jobmaster.write_keys(array(select id from jobmaster.jobs where id = any (waiters) and status = 'waiting'));
end
$fn$;` },
  { name: 'enqueue', sql: `create or replace function jobmaster.enqueue(
type_key text, task_key text, args jsonb, priority integer default 0, run_at timestamptz default null,
unique_key text default null, unique_while text default null, within_seconds double precision default null,
debounce_seconds double precision default null, after bigint[] default null, if_failed text default null
)
returns bigint
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
return jobmaster.insert_jobs(jsonb_build_array(jsonb_build_object(
'task', type_key || '.' || task_key,
'args', coalesce(args, 'null'),
'priority', priority,
'run_at', run_at
) || case
when num_nonnulls(unique_key, unique_while, within_seconds, debounce_seconds) = 0 then '{}'
else jsonb_strip_nulls(jsonb_build_object(
'unique_key', unique_key,
'unique', coalesce(
to_jsonb(unique_while),
case when within_seconds is not null then jsonb_build_object('withinSeconds', within_seconds) end
),
'debounce_seconds', debounce_seconds
))
end || case
when after is null then '{}'
else jsonb_build_object('after', jsonb_strip_nulls(jsonb_build_object('groups', after, 'ifFailed', if_failed)))
end)) -> 'ids' -> 0;
end
$fn$;
create or replace function jobmaster.enqueue(
type_key text, task_key text, args json, priority integer default 0, run_at timestamptz default null,
unique_key text default null, unique_while text default null, within_seconds double precision default null,
debounce_seconds double precision default null, after bigint[] default null, if_failed text default null
)
returns bigint
language sql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
select jobmaster.enqueue(type_key, task_key, args::jsonb, priority, run_at, unique_key, unique_while, within_seconds, debounce_seconds, after, if_failed)
$fn$;
create or replace function jobmaster.enqueue(
type_key text, task_key text, args text default '{}', priority integer default 0, run_at timestamptz default null,
unique_key text default null, unique_while text default null, within_seconds double precision default null,
debounce_seconds double precision default null, after bigint[] default null, if_failed text default null
)
returns bigint
language sql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
select jobmaster.enqueue(type_key, task_key, args::jsonb, priority, run_at, unique_key, unique_while, within_seconds, debounce_seconds, after, if_failed)
$fn$;` },
  { name: 'expand', sql: `create or replace function jobmaster.expand(job_ids bigint[], moment timestamptz)
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
$fn$;` },
  { name: 'explain', sql: `create or replace function jobmaster.explain(job_id bigint)
returns text
language plpgsql stable
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
moment timestamptz := jobmaster.clock();
job record;
task jobmaster.tasks;
reasons text[] := '{}';
running integer;
rate_since timestamptz;
holders text;
pool record;
ahead bigint;
kept record;
begin
select * into job from jobmaster.jobs where id = job_id;
if not found then
raise exception using errcode = 'JM011', message = format('there is no job #%s', job_id);
end if;
select * into task from jobmaster.tasks where id = job.task_id;
if job.status = 'running' then
reasons := reasons || format('running: attempt %s, on %s since %s, its own until %s', job.attempt, job.system,
to_char(job.started_at, 'HH24:MI:SS'), to_char(job.lease_until, 'HH24:MI:SS'));
if job.lease_until <= moment then
reasons := reasons || 'lease: it is over; the next claim takes the job back'::text;
end if;
if job.cancel_requested_at is not null then
reasons := reasons || 'cancelled: its invocation stops it when it next calls'::text;
end if;
elsif job.status = 'scheduled' then
reasons := reasons || case
when job.attempt > 0 then format('backing off: attempt %s failed (%s of %s counted), tried again at %s: %s', job.attempt,
job.failures, job.max_attempts, to_char(job.run_at, 'YYYY-MM-DD HH24:MI:SS'), coalesce(job.error ->> 'message', ''))
else format('not due: set for %s, now is %s', to_char(job.run_at, 'YYYY-MM-DD HH24:MI:SS'), to_char(moment, 'YYYY-MM-DD HH24:MI:SS'))
end;
elsif job.status = 'blocked' then
reasons := reasons || array(
select format('dependencies: waits for %s.%s #%s, which is %s', target.type_key, target.task_key, blocker.id, blocker.status)
from jobmaster.blockers
join jobmaster.jobs blocker on blocker.id = blockers.blocker_id
join jobmaster.tasks target on target.id = blocker.task_id
where blockers.job_id = job.id
order by blocker.id
) || array(
select format('group: waits for group %s: %s of %s left', waits.group_id, member.jobs_left, jobmaster.counted(member.jobs::text, 'job'))
from jobmaster.group_waits waits
cross join lateral (
select count(*) as jobs, count(*) filter (where other.finished_at is null) as jobs_left
from jobmaster.group_members(waits.group_id) other
) member
where waits.job_id = job.id
order by waits.group_id
);
elsif job.status = 'expanded' then
reasons := reasons || (
select format('expanded: became %s jobs, #%s to #%s', count(*), min(child.id), max(child.id))
from jobmaster.jobs child
where child.parent_id = job.id and child.id > job.id
);
elsif job.status <> 'waiting' then
reasons := reasons || format('%s: at %s, attempt %s%s', job.status, to_char(job.finished_at, 'YYYY-MM-DD HH24:MI:SS'),
job.attempt, coalesce(': ' || (job.error ->> 'message'), ''));
else
if task.retired_at is not null then
reasons := reasons || 'retired: no deployed code has this task; deploy code that has it, or cancel the job'::text;
end if;
if task.paused_at is not null then
reasons := reasons || format('paused: the task, since %s', to_char(task.paused_at, 'YYYY-MM-DD HH24:MI:SS'));
end if;
if task.process_limit is not null then
select max(other.place), string_agg('#' || other.id, ', ' order by other.place) filter (where other.place <= 10)
into running, holders
from (
select id, row_number() over (order by id) as place
from jobmaster.jobs
where status = 'running'
and task_id = task.id
and (task.process_limit_per is null or jobmaster.limit_key(task.process_limit_per, args) = jobmaster.limit_key(task.process_limit_per, job.args))
) other;
if running >= task.process_limit then
reasons := reasons || format('process limit: %s of %s running%s: %s%s', running, task.process_limit,
case when task.process_limit_per is not null then ' with ' || jobmaster.shape_key(task.process_limit_per, job.args)::text end, holders,
case when running > 10 then ' and ' || running - 10 || ' more' else '' end);
end if;
end if;
if task.rate_limit is not null then
select count(*), min(recent.started_at)
into running, rate_since
from (
select starts.started_at
from jobmaster.starts
where starts.task_id = task.id
and starts.limit_key = coalesce(jobmaster.limit_key(task.rate_limit_per, job.args), 0)
and starts.started_at > moment - task.rate_seconds * interval '1 second'
order by starts.started_at desc
limit task.rate_limit
) recent;
if running >= task.rate_limit then
reasons := reasons || format('rate limit: %s of %s started%s in %s seconds; the next may at %s', running, task.rate_limit,
case when task.rate_limit_per is not null then ' with ' || jobmaster.shape_key(task.rate_limit_per, job.args)::text end, task.rate_seconds,
to_char(rate_since + task.rate_seconds * interval '1 second', 'YYYY-MM-DD HH24:MI:SS'));
end if;
end if;
for pool in
select
systems.name,
systems.paused_at,
systems.process_units as units,
systems.process_units - coalesce(sum(other.process_units), 0) as free,
string_agg(holder.type_key || '.' || holder.task_key || ' #' || other.id, ', ' order by other.id) as held_by,
max(other.lease_until) as until
from jobmaster.systems
left join jobmaster.jobs other on other.status = 'running' and other.system = systems.name
left join jobmaster.tasks holder on holder.id = other.task_id
group by systems.name
order by systems.name
loop
if pool.paused_at is not null then
reasons := reasons || format('paused: the system %s, since %s', pool.name, to_char(pool.paused_at, 'YYYY-MM-DD HH24:MI:SS'));
elsif task.process_units > pool.free then
reasons := reasons || format('units: needs %s, %s of %s free on %s%s', task.process_units, pool.free, pool.units, pool.name,
coalesce(', held by ' || left(pool.held_by, 200) || ' until ' || to_char(pool.until, 'HH24:MI:SS'), ''));
else
select head.id, head.run_at, other.type_key || '.' || other.task_key as name, other.process_units
into kept
from jobmaster.tasks other
cross join lateral (
select first.id, first.rank, first.run_at
from jobmaster.jobs first
where first.status = 'waiting' and first.task_id = other.id
order by first.rank, first.id
limit 1
) head
where other.process_units > pool.free
and other.process_units <= pool.units
and other.retired_at is null
and other.paused_at is null
and head.run_at <= moment - interval '1 minute'
and (head.rank, head.id) < (job.rank, job.id)
order by head.rank, head.id
limit 1;
if found then
reasons := reasons || format('kept: %s of %s units are free on %s, but kept for %s #%s, which needs %s and has waited since %s',
pool.free, pool.units, pool.name, kept.name, kept.id, kept.process_units, to_char(kept.run_at, 'HH24:MI:SS'));
end if;
end if;
end loop;
if reasons = '{}' then
select count(*) into ahead from jobmaster.jobs other
where other.status = 'waiting' and (other.rank, other.id) < (job.rank, job.id);
reasons := reasons || format('ready: the next invocation takes it, %s', case ahead when 0 then 'first' when 1 then 'after 1 other job' else 'after ' || ahead || ' other jobs' end);
end if;
if task.timeout_ms is not null then
reasons := reasons || format('timeout: it starts where %s ms are left before the deadline, or first in its invocation', task.timeout_ms);
end if;
if job.suspect then
reasons := reasons || 'alone: its invocation was lost, so it starts only where nothing else runs beside it'::text;
end if;
if job.attempt > 0 and job.error is not null then
reasons := reasons || format('last attempt: %s failed (%s of %s counted): %s', job.attempt, job.failures, job.max_attempts, job.error ->> 'message');
end if;
end if;
return format('%s.%s #%s is %s', task.type_key, task.task_key, job.id, job.status) || E'\\n' || array_to_string(reasons, E'\\n');
end
$fn$;` },
  { name: 'fence', sql: `create or replace function jobmaster.fence(job_id bigint, attempt integer, invocation uuid)
returns void
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
job jobmaster.jobs;
begin
select * into job from jobmaster.jobs where id = job_id;
if job.status = 'running' and job.attempt = fence.attempt and job.invocation = fence.invocation then
return;
end if;
raise exception using
errcode = 'JM016',
message = format('attempt %s of job #%s cannot commit: ', fence.attempt, job_id) || case
when job.id is null then 'there is no such job'
when job.attempt = fence.attempt and job.invocation = fence.invocation and job.status = 'completed'
then 'it has completed, and a job completes once'
when job.attempt = fence.attempt then 'its lease was over and the job was taken back; it is ' || job.status
else format('the job is %s, at attempt %s', job.status, job.attempt)
end;
end
$fn$;` },
  { name: 'filtered', sql: `create or replace function jobmaster.filtered(verb text, filter jsonb, may_be text[])
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
$fn$;` },
  { name: 'fire', sql: `create or replace function jobmaster.fire(moment timestamptz)
returns jsonb
language plpgsql volatile
as $fn$
declare
due jobmaster.schedules;
passed timestamptz[];
rest timestamptz[];
fired timestamptz[];
inserted jsonb;
asked jsonb := '[]';
overdue boolean := false;
begin
for due in
select *
from jobmaster.schedules
where due_at <= moment
order by id
for update skip locked
loop
passed := array(select tick from unnest(due.coming) tick where tick <= moment order by tick);
rest := array(select tick from unnest(due.coming) tick where tick > moment order by tick);
if cardinality(passed) > 0 and (due.catch_up = 'all' or cardinality(rest) > 0) then
fired := case
when due.catch_up = 'all' then passed
when due.catch_up = 'last' or passed[cardinality(passed)] > moment - interval '30 minutes'
then passed[cardinality(passed):]
else '{}'
end;
with fenced as (
insert into jobmaster.ticks (schedule_id, tick)
select due.id, tick
from unnest(fired) tick
on conflict do nothing
returning tick
)
select coalesce(array_agg(tick order by tick), '{}') into fired from fenced;
if cardinality(fired) > 0 then
select jobmaster.insert_jobs(jsonb_agg(jsonb_build_object(
'task', task.type_key || '.' || task.task_key, 'args', due.args, 'run_at', tick
) order by tick))
into inserted
from unnest(fired) tick
join jobmaster.tasks task on task.id = due.task_id;
update jobmaster.ticks
set job_id = (inserted -> 'ids' ->> position::integer - 1)::bigint
from unnest(fired) with ordinality given (tick, position)
where ticks.schedule_id = due.id and ticks.tick = given.tick;
delete from jobmaster.ticks
where schedule_id = due.id
and tick < (select tick from jobmaster.ticks where schedule_id = due.id order by tick desc offset 200 limit 1);
end if;
update jobmaster.schedules set coming = rest, next_tick = rest[1] where id = due.id;
end if;
if due.refill_at <= moment then
asked := asked || jsonb_build_array(
jsonb_build_array(due.id, due.cron, due.timezone, due.catch_up, due.computed_until, moment)
);
overdue := overdue or cardinality(rest) = 0;
end if;
end loop;
return jsonb_build_object('schedules', asked, 'overdue', overdue);
end
$fn$;` },
  { name: 'forget_starts', sql: `create or replace function jobmaster.forget_starts(request jsonb)
returns void
language plpgsql volatile
as $fn$
declare
by_id jsonb;
job_ids bigint[];
begin
select jsonb_object_agg(value ->> 'id', value), array_agg((value ->> 'id')::bigint)
into by_id, job_ids
from jsonb_array_elements(request -> 'outcomes')
where value ->> 'outcome' = 'released';
if job_ids is null then
return;
end if;
delete from jobmaster.starts
where starts.job_id = any (job_ids)
and starts.attempt = (by_id -> starts.job_id::text ->> 'attempt')::integer
and exists (
select
from jobmaster.jobs job
where job.id = starts.job_id
and job.attempt = starts.attempt
and job.lease_until is null
and job.invocation = (request ->> 'invocation')::uuid
);
end
$fn$;` },
  { name: 'freshness', sql: `create or replace function jobmaster.freshness(
job_ids bigint[], moment timestamptz, out fresh bigint[], out stale bigint[], out met text
)
language plpgsql stable
as $fn$
begin
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
$fn$;` },
  { name: 'group', sql: `create or replace function jobmaster.group(group_id bigint)
returns jsonb
language plpgsql stable
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
kept jobmaster.groups;
answer jsonb;
begin
select * into kept from jobmaster.groups where id = $1;
if not found then
select id, created_at into kept.id, kept.created_at from jobmaster.jobs job where job.id = $1 and job.expands;
if not found then
raise exception using errcode = 'JM018', message = jobmaster.unknown_group($1);
end if;
end if;
with counted as (
select member.status, count(*) as jobs, max(member.finished_at) as last, bool_or(member.finished_at is null) as is_left
from jobmaster.group_members($1) member
group by member.status
), summed as (
select
coalesce(jsonb_object_agg(status, jobs), '{}') as counts,
coalesce(sum(jobs), 0) as jobs,
coalesce(sum(jobs) filter (where is_left), 0) as jobs_left,
coalesce(sum(jobs) filter (where status in ('failed', 'cancelled')), 0) as failures,
max(last) as last
from counted
)
select jsonb_build_object(
'id', $1,
'status', case
when kept.ended_at is not null then case when kept.failures = 0 then 'completed' else 'failed' end
when jobs_left > 0 or kept.jobs is not null then 'open'
when failures > 0 then 'failed'
else 'completed'
end,
'createdAt', kept.created_at,
'endedAt', case when kept.jobs is not null then kept.ended_at when jobs_left = 0 then last end,
'counts', counts,
'total', greatest(jobs, kept.jobs),
'done', greatest(jobs, kept.jobs) - jobs_left,
'failure', kept.failure,
'onComplete', kept.on_complete,
'onFailed', kept.on_failed
)
into answer
from summed;
return answer;
end
$fn$;` },
  { name: 'groups_of', sql: `create or replace function jobmaster.groups_of(job_ids bigint[])
returns bigint[]
language sql stable
as $fn$
select array_agg(distinct member_of.id)
from jobmaster.jobs job
cross join lateral (values (job.group_id), (job.parent_id), (case when job.expands then job.id end)) member_of (id)
where job.id = any (job_ids) and member_of.id is not null
$fn$;` },
  { name: 'hold_groups', sql: `create or replace function jobmaster.hold_groups(job_id bigint)
returns void
language plpgsql volatile
as $fn$
begin
if exists (select from jobmaster.group_waits waits where waits.job_id = $1) then
perform
from jobmaster.groups
where id = any (jobmaster.groups_of(array[$1])) and ended_at is null
order by id
for no key update;
end if;
end
$fn$;` },
  { name: 'idle', sql: `create or replace function jobmaster.idle(request jsonb)
returns jsonb
language plpgsql volatile
as $fn$
declare
moment timestamptz := jobmaster.clock();
remaining bigint;
wake_at timestamptz;
is_paused boolean;
waits text := 'empty';
skew jsonb;
rate_at timestamptz;
asked bigint[];
begin
select
(select count(*) from jobmaster.jobs where status = 'waiting'),
exists (select from jobmaster.systems where name = request ->> 'system' and paused_at is not null),
min(over_at),
max(held.asked) filter (where invocation = (request ->> 'invocation')::uuid)
into remaining, is_paused, wake_at, asked
from (
select invocation, max(lease_until) as over_at, array_agg(id) filter (where cancel_requested_at is not null) as asked
from jobmaster.jobs
where status = 'running'
group by invocation
) held;
if not is_paused then
wake_at := least(wake_at, jobmaster.next_due());
end if;
if remaining > 0 then
select
jsonb_agg(task.name order by task.name) filter (where not task.known and not task.paused),
case
when is_paused or bool_and(task.paused) then 'paused'
when bool_or(task.known and not task.fits and not task.paused) and not bool_or(task.known and task.fits and not task.paused)
then 'deadline'
when bool_or(task.known and not task.paused) then 'capacity'
else 'empty'
end
into skew, waits
from (
select
type_key || '.' || task_key as name,
coalesce(hash = request -> 'tasks' ->> (type_key || '.' || task_key), false) as known,
coalesce(timeout_ms <= (request ->> 'time_left_ms')::double precision, true) as fits,
paused_at is not null as paused
from jobmaster.tasks
where retired_at is null
and exists (select from jobmaster.jobs where status = 'waiting' and task_id = tasks.id)
) task;
end if;
if waits = 'capacity' and exists (select from jobmaster.tasks where rate_limit is not null) then
rate_at := jobmaster.rate_frees(request -> 'tasks', moment);
wake_at := least(wake_at, rate_at);
end if;
return jsonb_build_object(
'stop', waits,
'cancel', asked,
'remaining', remaining,
'wake_ms', case when wake_at is not null then greatest(0, ceil(extract(epoch from wake_at - moment) * 1000)) end,
'rate_ms', case when rate_at is not null then greatest(0, ceil(extract(epoch from rate_at - moment) * 1000)) end,
'skew', coalesce(skew, '[]')
);
end
$fn$;` },
  { name: 'insert_dependency', sql: `create or replace function jobmaster.insert_dependency(
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
$fn$;` },
  { name: 'insert_group', sql: `create or replace function jobmaster.insert_group(request jsonb)
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
$fn$;` },
  { name: 'insert_job', sql: `create or replace procedure jobmaster.insert_job(
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
$fn$;` },
  { name: 'insert_jobs', sql: `create or replace function jobmaster.insert_jobs(items jsonb)
returns jsonb
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
moment timestamptz := jobmaster.clock();
is_special boolean;
to_key bigint[];
answer jsonb;
begin
if jsonb_typeof(items) = 'object' then
return jobmaster.insert_group(items);
end if;
with known as materialized (
select
named.name,
named.are_special or (task.unique_rule is not null and named.are_plain) as are_special,
task.id as task_id,
task.max_attempts,
task.process_units,
coalesce(task.process_limit_per, task.rate_limit_per) as per,
task as definition,
test.*,
test.asked = '{}' as all_in_path,
exists (select from jobmaster.shapes shape where shape.task_id = task.id) as have_keys,
param.*
from (
select name, count(*) as jobs, bool_or(special) as are_special, bool_or(special is null) as are_plain
from (
select
value ->> 'task' as name,
case
when value ?| '{after,unique,unique_key,debounce_seconds}' then value ? 'after' or value -> 'unique' is distinct from 'false'
end as special
from jsonb_array_elements(items)
) item
group by name
) named
left join lateral jobmaster.task_named(named.name) task on true
left join lateral jobmaster.quick_test(case when named.jobs > 1 then task.params end) test on true
cross join lateral (
select
coalesce(jsonb_object_agg(value ->> 'name', value -> 'default') filter (where (value ->> 'has_default')::boolean), '{}') as defaults,
array_agg(value ->> 'name') filter (where (value ->> 'write_all')::boolean) as write_all
from jsonb_array_elements(task.params)
) param
), made as (
insert into jobmaster.jobs (id, task_id, status, priority, rank, args, expands, max_attempts, process_units, created_at, run_at, trace, limit_key, group_id)
overriding system value
select
id,
task_id,
case when run_at > moment then 'scheduled' else 'waiting' end,
coalesce(priority, 0),
-coalesce(priority, 0),
complete,
write_all is not null and exists (select from unnest(write_all) name where complete ->> name = 'ALL'),
max_attempts,
process_units,
moment,
coalesce(run_at, moment),
left(trace, 55),
jobmaster.limit_key(per, complete),
group_id
from (
select
item.id,
item.priority,
item.run_at,
item.value ->> 'trace' as trace,
(item.value ->> 'group')::bigint as group_id,
known.task_id,
known.max_attempts,
known.process_units,
known.per,
known.write_all,
case
when case
when item.args @@ known.path
then item.args - known.names = '{}'
and jobmaster.out_of_bounds(item.priority, item.run_at) is null
and case when known.closed and pg_column_size(item.args) <= 8000 then true else jobmaster.is_modest(item.args) end
and (known.all_in_path or not exists (
select
from unnest(known.asked, known.schemas, known.fewest, known.most) param (name, schema, fewest, most)
where (octet_length(item.args ->> param.name) <= most and char_length(item.args ->> param.name) >= fewest) is not true
and jobmaster.check_value(param.schema, item.args -> param.name) is not null
))
end
then known.defaults || item.args
else jobmaster.checked_arguments(known.definition, item.value, items)
end as complete
from (
select
nextval('jobmaster.jobs_id_seq') as id,
value,
value ->> 'task' as name,
coalesce(value -> 'args', '{}') as args,
(value ->> 'priority')::numeric as priority,
(value ->> 'run_at')::timestamptz as run_at
from jsonb_array_elements(items)
) item
left join known on known.name = item.name
where (select bool_or(are_special) from known) is not true
offset 0
) ready
returning id, status
)
select
(
select jsonb_build_object(
'ids', to_jsonb(array_agg(id order by id)),
'scheduled', to_jsonb(array_agg(id) filter (where status = 'scheduled')),
'created_at', moment,
'tasks', (select jsonb_object_agg(name, jsonb_build_array(max_attempts, process_units, defaults)) filter (where task_id is not null) from known)
)
from made
),
(select array_agg(id) from made where (select bool_or(have_keys) from known)),
(select bool_or(are_special) from known)
into answer, to_key, is_special;
if is_special then
return case
when jsonb_path_exists(items, '$[*].after') then jobmaster.insert_waiting_jobs(items)
else jobmaster.insert_unique_jobs(items)
end;
end if;
if to_key is not null then
perform jobmaster.write_keys(to_key);
end if;
return answer;
end
$fn$;` },
  { name: 'insert_unique_jobs', sql: `create or replace function jobmaster.insert_unique_jobs(items jsonb)
returns jsonb
language plpgsql volatile
as $fn$
declare
moment timestamptz;
wishes jsonb;
refused record;
one record;
item jsonb;
due_at timestamptz;
same bigint;
answer jsonb;
fresh jsonb[] := '{}';
new_keys bigint[] := '{}';
existing integer[] := '{}';
told integer[] := '{}';
ids bigint[] := '{}';
begin
select jsonb_agg(jsonb_build_object(
'position', ordinality,
'task_id', task.id,
'mode', wish.mode,
'within', wish.within,
'debounce', wish.debounce,
'key', wish.key,
'args', checked.complete,
'expands', checked.expands,
'code', checked.code,
'problem', task.type_key || '.' || task.task_key || ': ' || wish.problem,
'option', wish.option
) order by ordinality)
into wishes
from jsonb_array_elements(items) with ordinality given (value, ordinality)
left join lateral jobmaster.task_named(given.value ->> 'task') task on true
cross join lateral jobmaster.check_job(task, given.value) checked
left join lateral jobmaster.unique_wish(task, given.value, checked.complete) wish on checked.code is null;
select position, code, problem, option
into refused
from jsonb_to_recordset(wishes) wish (position bigint, code text, problem text, option text)
where code is not null or problem is not null
order by position
limit 1;
if refused.problem is not null then
raise exception using
errcode = 'JM008',
message = refused.problem,
detail = format('job %s of %s; none was inserted', refused.position, jsonb_array_length(items)),
column = refused.option;
elsif refused.code is not null then
perform jobmaster.refuse(items);
end if;
insert into jobmaster.unique_keys as held (task_id, key_hash, key, job_id)
select distinct on (task_id, jsonb_hash_extended(key, 0)) task_id, jsonb_hash_extended(key, 0), key, 0
from jsonb_to_recordset(wishes) wish (task_id integer, mode text, key jsonb)
where mode is not null
order by task_id, jsonb_hash_extended(key, 0)
on conflict (task_id, key_hash) do update set key = held.key;
perform
from jobmaster.jobs
where id = any (array(
select held.job_id
from jsonb_to_recordset(wishes) wish (task_id integer, mode text, key jsonb)
join jobmaster.unique_keys held
on held.task_id = wish.task_id and held.key_hash = jsonb_hash_extended(wish.key, 0) and held.key = wish.key
where mode = 'waiting'
))
order by id
for update;
moment := jobmaster.clock();
for one in
select *
from jsonb_to_recordset(wishes) given (
position integer, task_id integer, mode text, within double precision, debounce double precision, key jsonb, args jsonb,
expands boolean
)
order by position
loop
item := items -> (one.position - 1) || '{"unique": false}';
if one.debounce is not null then
due_at := moment + one.debounce * interval '1 second';
item := item || jsonb_build_object('run_at', due_at);
end if;
same := null;
if one.mode is not null then
select held.job_id
into same
from jobmaster.unique_keys held
left join jobmaster.jobs job on job.id = held.job_id
where held.task_id = one.task_id
and held.key_hash = jsonb_hash_extended(one.key, 0)
and held.key = one.key
and case
when held.job_id < 0 then true
when job.id is null then false
when one.mode = 'waiting' then job.status in ('scheduled', 'waiting', 'blocked')
when one.mode = 'active' then job.finished_at is null
else job.created_at > moment - one.within * interval '1 second'
end;
end if;
if same is null then
fresh := array_append(fresh, item);
same := - cardinality(fresh);
if one.mode is not null then
update jobmaster.unique_keys
set job_id = same, key = one.key
where task_id = one.task_id and key_hash = jsonb_hash_extended(one.key, 0);
new_keys := new_keys || array[array[one.task_id, jsonb_hash_extended(one.key, 0)]];
end if;
if one.debounce is not null then
told := told || one.position;
end if;
else
existing := existing || one.position;
told := told || one.position;
if one.debounce is not null and same < 0 then
fresh[- same] := item;
elsif one.debounce is not null then
perform jobmaster.debounce(same, one.args, one.expands, due_at);
end if;
end if;
ids := ids || same;
end loop;
answer := jsonb_build_object('scheduled', null, 'created_at', moment, 'tasks', '{}'::jsonb);
if cardinality(fresh) > 0 then
answer := jobmaster.insert_jobs(to_jsonb(fresh));
select array_agg(case when id < 0 then (answer -> 'ids' ->> (- id - 1)::integer)::bigint else id end order by position)
into ids
from unnest(ids) with ordinality given (id, position);
update jobmaster.unique_keys held
set job_id = (answer -> 'ids' ->> (- held.job_id - 1)::integer)::bigint
from (select distinct new_keys[index][1]::integer as task_id, new_keys[index][2] as key_hash from generate_subscripts(new_keys, 1) index) mine
where held.task_id = mine.task_id and held.key_hash = mine.key_hash;
end if;
return answer || jsonb_build_object('ids', to_jsonb(ids), 'jobs', coalesce(
(
select jsonb_object_agg(position - 1, jobmaster.told(job) || jsonb_build_object(
'task', items -> position - 1 ->> 'task',
'args', case when job.finished_at is null then job.args else wishes -> position - 1 -> 'args' end
) || case when position = any (existing) then '{"existing": true}'::jsonb else '{}' end)
from unnest(told) position
join jobmaster.jobs job on job.id = ids[position]
),
'{}'
));
end
$fn$;` },
  { name: 'insert_waiting_jobs', sql: `create or replace function jobmaster.insert_waiting_jobs(items jsonb)
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
$fn$;` },
  { name: 'is_modest', sql: `create or replace function jobmaster.is_modest(args jsonb)
returns boolean
language sql immutable
as $fn$
select case
when octet_length(args::text) <= 300 then true
when octet_length(args::text) > 1048576 then false
else not jsonb_path_exists(args, '$.**{501}')
and not jsonb_path_exists(args, '$.** ? (@.type() == "number" && (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308))')
end
$fn$;` },
  { name: 'keep_results', sql: `create or replace function jobmaster.keep_results(me uuid, job_ids bigint[], attempts integer[], results jsonb)
returns void
language sql volatile
as $fn$
update jobmaster.jobs job
set result = results -> job.id::text
where job.id = any (job_ids)
and job.attempt = attempts[array_position(job_ids, job.id)]
and job.status = 'completed'
and job.invocation = me
and job.result is null
and results -> job.id::text <> 'null'
$fn$;` },
  { name: 'shape_key', sql: `create or replace function jobmaster.shape_key(names text[], args jsonb)
returns jsonb
language sql immutable
as $fn$
select coalesce(jsonb_object_agg(name, args -> name), '{}')
from unnest(names) name
where args ? name
$fn$;` },
  { name: 'limit_key', sql: `create or replace function jobmaster.limit_key(per text[], args jsonb)
returns bigint
language sql immutable
as $fn$
select case when per is not null then jsonb_hash_extended(jobmaster.shape_key(per, args), 0) end
$fn$;` },
  { name: 'key_rooms', sql: `create or replace function jobmaster.key_rooms(task jobmaster.tasks, keys bigint[], since bigint, moment timestamptz)
returns table (key bigint, jobs bigint)
language sql stable
as $fn$
with busy as materialized (
select jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), job.args) as key, count(*) as jobs
from jobmaster.jobs job
where task.process_limit_per is not null and job.status = 'running' and job.claim >= since and job.task_id = task.id
group by 1
)
select each.key, least(
case when task.process_limit_per is not null then task.process_limit - coalesce(busy.jobs, 0) end,
case when task.rate_limit_per is not null then task.rate_limit - (
select count(*)
from (
select
from jobmaster.starts
where (starts.task_id, starts.limit_key, starts.started_at) > (task.id, each.key, moment - task.rate_seconds * interval '1 second')
and (starts.task_id, starts.limit_key) <= (task.id, each.key)
order by starts.task_id, starts.limit_key, starts.started_at
limit task.rate_limit
) recent
) end
)
from (select distinct unnest(keys) as key) each
left join busy on busy.key = each.key
$fn$;` },
  { name: 'limited', sql: `create or replace function jobmaster.limited(task jobmaster.tasks, most bigint, since bigint, moment timestamptz)
returns table (id bigint, rank integer)
language plpgsql volatile
set enable_sort = off
set enable_incremental_sort = off
as $fn$
declare
place bigint := ('x' || substr(md5(random()::text), 1, 16))::bit(64)::bigint;
keys bigint[];
roomy bigint[];
rooms bigint[];
found_ids bigint[];
found_ranks integer[];
seen integer;
begin
if task.rate_limit is not null and task.rate_limit_per is null then
most := least(most, task.rate_limit - (
select count(*)
from (
select
from jobmaster.starts
where starts.task_id = task.id
and starts.limit_key = 0
and starts.started_at > moment - task.rate_seconds * interval '1 second'
limit task.rate_limit
) recent
));
end if;
if most <= 0 then
return;
end if;
if task.process_limit_per is null and task.rate_limit_per is null then
return query
select job.id, job.rank
from jobmaster.jobs job
where job.status = 'waiting'
and (job.task_id, job.rank, job.id) > (task.id, -2147483648, 0)
and job.task_id <= task.id
and not job.suspect
order by job.task_id, job.rank, job.id
limit most;
return;
end if;
with head as materialized (
select job.id, job.rank, jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), job.args) as key
from jobmaster.jobs job
where job.status = 'waiting'
and (job.task_id, job.rank, job.id) > (task.id, -2147483648, 0)
and job.task_id <= task.id
and not job.suspect
order by job.task_id, job.rank, job.id
limit most + 500
), room as materialized (
select * from jobmaster.key_rooms(task, array(select distinct head.key from head), since, moment)
), fitting as (
select placed.id, placed.rank
from (
select head.id, head.rank, head.key, row_number() over (partition by head.key order by head.rank, head.id) as place
from head
) placed
join room on room.key = placed.key
where placed.place <= room.jobs
order by placed.rank, placed.id
limit most
)
select
(select array_agg(fitting.id) from fitting),
(select array_agg(fitting.rank) from fitting),
(select count(*) from head),
(select array_agg(room.key) from room where room.jobs > 0)
into found_ids, found_ranks, seen, keys;
if coalesce(cardinality(found_ids), 0) >= most or seen < most + 500 then
return query select * from unnest(found_ids, found_ranks);
return;
end if;
keys := coalesce(keys, '{}') || jobmaster.waiting_keys(task.id, place, 1000);
if cardinality(keys) < 1000 then
keys := keys || jobmaster.waiting_keys(task.id, -9223372036854775808, 1000 - cardinality(keys));
end if;
select array_agg(room.key), array_agg(room.jobs)
into roomy, rooms
from jobmaster.key_rooms(task, keys, since, moment) room
where room.jobs > 0;
return query
select first.id, first.rank
from unnest(roomy, rooms) room (key, jobs)
cross join lateral (
select job.id, job.rank
from jobmaster.jobs job
where job.status = 'waiting'
and job.limit_key is not null
and (job.task_id, job.limit_key, job.rank, job.id) > (task.id, room.key, -2147483648, 0)
and (job.task_id, job.limit_key) <= (task.id, room.key)
and jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), job.args) = room.key
and not job.suspect
order by job.task_id, job.limit_key, job.rank, job.id
limit least(room.jobs, most)
) first
order by first.rank, first.id
limit most;
end
$fn$;` },
  { name: 'look', sql: `create or replace function jobmaster.look(
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
$fn$;` },
  { name: 'may_start', sql: `create or replace function jobmaster.may_start(task jobmaster.tasks, args jsonb, since bigint, moment timestamptz)
returns boolean
language sql stable
as $fn$
select coalesce((
select room.jobs > 0
from jobmaster.key_rooms(task, array[jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), args)], since, moment) room
), true)
and (task.rate_limit is null or task.rate_limit_per is not null or task.rate_limit > (
select count(*)
from jobmaster.starts
where starts.task_id = task.id
and starts.limit_key = 0
and starts.started_at > moment - task.rate_seconds * interval '1 second'
))
$fn$;` },
  { name: 'merge_tallies', sql: `create or replace function jobmaster.merge_tallies(moment timestamptz)
returns void
language plpgsql volatile
as $fn$
begin
if exists (select from jobmaster.tallies where not merged and minute < moment - interval '2 minutes') then
with added as (
delete from jobmaster.tallies
where ctid = any (array(
select ctid
from jobmaster.tallies
where not merged and minute < moment - interval '2 minutes'
order by minute
limit 5000
for update skip locked
))
returning minute, task_id, outcome, jobs
)
insert into jobmaster.tallies (merged, minute, task_id, outcome, jobs)
select true, minute, task_id, outcome, sum(jobs)
from added
group by minute, task_id, outcome;
end if;
if exists (
select from jobmaster.tallies where merged and minute > '-infinity' and minute < moment - interval '1 day'
) then
with old as (
delete from jobmaster.tallies
where ctid = any (array(
select ctid
from jobmaster.tallies
where merged and minute < moment - interval '1 day'
order by minute
limit 5000
for update skip locked
))
returning task_id, outcome, jobs
)
insert into jobmaster.tallies (merged, minute, task_id, outcome, jobs)
select true, '-infinity', task_id, outcome, sum(jobs)
from old
group by task_id, outcome;
end if;
end
$fn$;` },
  { name: 'needed', sql: `create or replace function jobmaster.needed(rules jsonb, args jsonb)
returns setof jsonb
language plpgsql immutable
as $fn$
declare
given jsonb;
choices jsonb;
begin
select
coalesce(jsonb_object_agg(rule.key, found.value) filter (where found.value is not null), '{}'),
jsonb_object_agg(rule.key, rule.value -> 'options') filter (where rule.value ? 'options')
into given, choices
from jsonb_each(rules) rule
cross join lateral (
select case
when rule.value ? 'value' then rule.value -> 'value'
else jobmaster.reckoned(args -> (rule.value ->> 'same'), rule.value ->> 'op', (rule.value ->> 'by')::numeric)
end as value
) found;
if choices is null then
return next given;
else
return query select jobmaster.combinations(given, choices);
end if;
end
$fn$;` },
  { name: 'next_due', sql: `create or replace function jobmaster.next_due()
returns timestamptz
language plpgsql stable
as $fn$
begin
return least(case
when not exists (select from jobmaster.tasks where paused_at is not null)
then (select min(run_at) from jobmaster.jobs where status = 'scheduled')
else (
select coalesce(min(first.run_at) filter (where not first.paused), case when count(*) = 1000 then max(first.run_at) end)
from (
select job.run_at, exists (
select from jobmaster.tasks where tasks.id = job.task_id and tasks.paused_at is not null
) as paused
from jobmaster.jobs job
where job.status = 'scheduled'
order by job.run_at
limit 1000
) first
)
end, (
select min(schedule.next_tick)
from jobmaster.schedules schedule
join jobmaster.tasks task on task.id = schedule.task_id
where schedule.paused_at is null and task.paused_at is null
));
end
$fn$;` },
  { name: 'note', sql: `create or replace function jobmaster.note(notes jsonb, me uuid, moment timestamptz)
returns void
language plpgsql volatile
as $fn$
begin
with noted as materialized (
select job.id, job.attempt, given.value -> 2 as progress, given.value -> 3 as lines
from jsonb_array_elements(notes) given
join jobmaster.jobs job
on job.id = (given.value ->> 0)::bigint
and job.attempt = (given.value ->> 1)::integer
and job.invocation = me
), told as (
insert into jobmaster.progress as last (job_id, attempt, value, message, told_at)
select id, attempt, (progress ->> 0)::double precision, progress ->> 1, moment
from noted
where progress <> 'null'
order by id
on conflict (job_id) do update
set attempt = excluded.attempt,
value = excluded.value,
message = excluded.message,
told_at = excluded.told_at
)
insert into jobmaster.log_lines (job_id, attempt, line, logged_at, message)
select
noted.id,
noted.attempt,
(line.value ->> 0)::integer,
moment - (line.value ->> 1)::double precision * interval '1 millisecond',
line.value ->> 2
from noted
cross join lateral jsonb_array_elements(noted.lines) line
on conflict (job_id, attempt, line) do nothing;
delete from jobmaster.log_lines
using jsonb_array_elements(notes) given
where log_lines.job_id = (given.value ->> 0)::bigint
and (given.value -> 3 -> -1 ->> 0)::integer > 200
and log_lines.attempt = (given.value ->> 1)::integer
and log_lines.line <= (given.value -> 3 -> -1 ->> 0)::integer - 200;
delete from jobmaster.log_lines
using jsonb_array_elements(notes) given
where log_lines.job_id = (given.value ->> 0)::bigint
and (given.value ->> 1)::integer > 10
and log_lines.attempt <= (given.value ->> 1)::integer - 10;
end
$fn$;` },
  { name: 'note_attempts', sql: `create or replace function jobmaster.note_attempts(request jsonb, moment timestamptz)
returns void
language plpgsql volatile
as $fn$
declare
by_id jsonb;
job_ids bigint[];
long_tried bigint[];
begin
select jsonb_object_agg(value ->> 'id', value), array_agg((value ->> 'id')::bigint)
into by_id, job_ids
from jsonb_array_elements(request -> 'outcomes')
where value ->> 'outcome' <> 'released';
if job_ids is null then
return;
end if;
with noted as (
insert into jobmaster.attempts (job_id, attempt, started_at, finished_at, outcome, system, error)
select
job.id,
job.attempt,
job.started_at,
moment,
case when job.status = 'cancelled' then 'cancelled' when by_id -> job.id::text ->> 'outcome' = 'interrupted' then 'interrupted' else 'failed' end,
job.system,
by_id -> job.id::text -> 'error'
from jobmaster.jobs job
where job.id = any (job_ids)
and job.attempt = (by_id -> job.id::text ->> 'attempt')::integer
and job.lease_until is null
and job.invocation = (request ->> 'invocation')::uuid
on conflict (job_id, attempt) do nothing
returning job_id, attempt
)
select array_agg(job_id) filter (where attempt > 100) into long_tried from noted;
if long_tried is not null then
delete from jobmaster.attempts
using jobmaster.jobs job
where attempts.job_id = any (long_tried) and job.id = attempts.job_id and attempts.attempt <= job.attempt - 100;
end if;
end
$fn$;` },
  { name: 'note_starts', sql: `create or replace function jobmaster.note_starts(job_ids bigint[], moment timestamptz)
returns void
language plpgsql volatile
as $fn$
declare
rated integer[];
begin
with noted as (
insert into jobmaster.starts (task_id, limit_key, started_at, job_id, attempt)
select task.id, case when task.rate_limit_per is null then 0 else jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), job.args) end, moment, job.id, job.attempt
from jobmaster.jobs job
join jobmaster.tasks task on task.id = job.task_id
where job.id = any (job_ids) and task.rate_limit is not null
returning task_id
)
select array_agg(distinct task_id) into rated from noted;
delete from jobmaster.starts
where ctid = any (array(
select old.ctid
from unnest(rated) rated_task (id)
join jobmaster.tasks task on task.id = rated_task.id
cross join lateral (
select starts.ctid
from jobmaster.starts
where starts.task_id = task.id and starts.started_at <= moment - task.rate_seconds * interval '1 second'
order by starts.task_id, starts.started_at
limit 1000
) old
limit 1000
));
end
$fn$;` },
  { name: 'note_system', sql: `create or replace function jobmaster.note_system(system_name text, units integer)
returns void
language plpgsql volatile
as $fn$
begin
if not exists (select from jobmaster.systems where name = system_name and process_units = units) then
insert into jobmaster.systems (name, process_units)
values (system_name, units)
on conflict (name) do update set process_units = excluded.process_units;
end if;
end
$fn$;` },
  { name: 'shown', sql: `create or replace function jobmaster.shown(value jsonb)
returns text
language sql immutable
as $fn$
select case when char_length(value::text) > 100 then left(value::text, 99) || '…' else value::text end
$fn$;` },
  { name: 'one_of', sql: `create or replace function jobmaster.one_of(options jsonb)
returns text
language sql immutable
as $fn$
select
case when count(*) > 1 then 'one of ' else '' end
|| case
when sum(char_length(option::text) + 2) > 300
then left(string_agg(jobmaster.shown(option), ', ' order by position), 299) || '…'
else string_agg(jobmaster.shown(option), ', ' order by position)
end
from jsonb_array_elements(options) with ordinality listed (option, position)
$fn$;` },
  { name: 'out_of_bounds', sql: `create or replace function jobmaster.out_of_bounds(priority numeric, run_at timestamptz)
returns text
language sql immutable
as $fn$
select case
when priority not between -1000000000 and 1000000000 or priority % 1 <> 0 then 'priority'
when run_at not between timestamptz '0001-01-01 00:00:00Z' and timestamptz '9999-12-31 00:00:00Z' then 'runAt'
end
$fn$;` },
  { name: 'pause', sql: `create or replace function jobmaster.pause(
task text default null, system text default null, schedule text default null
)
returns timestamptz
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
return jobmaster.set_paused('pause', task, system, schedule, jobmaster.clock());
end
$fn$;` },
  { name: 'promote', sql: `create or replace function jobmaster.promote(moment timestamptz)
returns void
language plpgsql volatile
as $fn$
declare
first_time bigint[];
begin
with due as (
update jobmaster.jobs
set status = 'waiting'
where id = any (array(
select id
from jobmaster.jobs
where status = 'scheduled' and run_at <= moment
order by run_at
limit 1000
for update skip locked
))
returning id, attempt
)
select array_agg(id) filter (where attempt = 0) into first_time from due;
if first_time is not null then
perform jobmaster.write_keys(first_time);
end if;
end
$fn$;` },
  { name: 'prune', sql: `create or replace function jobmaster.prune(completed interval, failed interval, at_most integer default 10000)
returns integer
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
moment timestamptz := jobmaster.clock();
pruned bigint[];
over_groups bigint[];
begin
if completed < interval '0' or failed < interval '0' then
raise exception using errcode = 'JM008', message = format('prune: an age cannot be below nothing, got %s', least(completed, failed));
end if;
if at_most < 0 then
raise exception using errcode = 'JM008', message = format('prune: a limit cannot be below nothing, got %s', at_most);
end if;
pruned := array(
select id
from jobmaster.jobs
where finished_at < moment - case when status in ('completed', 'expanded') then completed else failed end
and (coalesce(group_id, parent_id) is null or not exists (
select from jobmaster.groups where groups.id = any (array[group_id, parent_id]) and ended_at is null
))
order by id
limit at_most
for update skip locked
);
over_groups := jobmaster.groups_of(pruned);
perform jobmaster.delete_jobs(pruned);
if cardinality(pruned) < at_most then
over_groups := over_groups || jobmaster.empty_groups(moment - greatest(completed, failed), at_most);
end if;
perform jobmaster.delete_groups(over_groups);
return cardinality(pruned);
end
$fn$;` },
  { name: 'quick_test', sql: `create or replace function jobmaster.quick_test(
params jsonb, out path jsonpath, out names text[], out closed boolean, out asked text[],
out schemas jsonb[], out fewest integer[], out most integer[]
)
language plpgsql immutable
as $fn$
declare
notes constant text[] := '{title,description,default,examples,format}';
param record;
schema jsonb;
place text;
kinds jsonb;
kind text;
part jsonb;
test text;
tests text[] := '{}';
forms text[];
in_path boolean;
sized boolean;
begin
names := '{}';
closed := true;
asked := '{}';
if (jsonb_array_length(params) <= 50) is not true then
return;
end if;
for param in
select *
from jsonb_to_recordset(params)
as given (name text, schema jsonb, required boolean, write_all boolean)
loop
names := names || param.name;
place := '$.' || to_json(param.name);
schema := param.schema - notes;
kinds := case jsonb_typeof(schema -> 'type') when 'array' then schema -> 'type' else jsonb_build_array(schema -> 'type') end;
forms := '{}';
in_path := true;
if schema ? 'enum' and schema - 'enum' = '{}' and jsonb_array_length(schema -> 'enum') between 1 and 100 then
for part in select jsonb_array_elements(schema -> 'enum') loop
in_path := in_path and jsonb_typeof(part) not in ('array', 'object');
forms := forms || format('(%s == %s)', place, part);
end loop;
elsif param.write_all and schema <> '{"type": "boolean"}' then
return;
elsif schema ? 'type' and schema - '{type,minimum,maximum,minLength,maxLength,pattern,allOf}'::text[] = '{}' then
for kind in select jsonb_array_elements_text(kinds) loop
test := format('%s.type() == "%s"', place, kind);
if kind in ('number', 'integer') then
test := format(
'exists(%s ? (@ >= %s && @ <= %s%s))',
place,
coalesce(schema ->> 'minimum', '-1.7976931348623157e308'),
coalesce(schema ->> 'maximum', '1.7976931348623157e308'),
case when kind = 'integer' and not kinds ? 'number' then ' && @ == @.floor()' end
);
elsif kind = 'string' then
test := place || ' starts with ""';
for part in
select schema where schema ? 'pattern' union all select jsonb_array_elements(schema -> 'allOf')
loop
if part ? 'pattern' and (part = schema or part - notes - 'pattern' = '{}') then
test := test || format(' && %s like_regex %s flag "s"', place, part -> 'pattern');
else
in_path := false;
end if;
end loop;
elsif kind not in ('boolean', 'null') or schema ? 'allOf' then
in_path := false;
end if;
forms := forms || format('(%s)', test);
end loop;
else
in_path := false;
end if;
sized := schema ?| '{minLength,maxLength}';
in_path := in_path and (not sized or kinds = '["string"]');
if sized or not in_path then
asked := asked || param.name;
schemas := schemas || param.schema;
fewest := fewest || case when in_path then coalesce(schema ->> 'minLength', '0')::integer end;
most := most || case when in_path then coalesce(schema ->> 'maxLength', '2147483647')::integer end;
end if;
closed := closed and in_path;
if in_path then
test := '(' || array_to_string(forms, ' || ') || ')';
tests := tests || case when param.required then test else format('(((%s == null) is unknown) || %s)', place, test) end;
elsif param.required then
tests := tests || format('(%s.type() != "")', place);
end if;
end loop;
if not params @> '[{"required": true}]' then
tests := array_prepend('$.type() == "object"', tests);
end if;
path := ('strict ' || array_to_string(tests, ' && '))::jsonpath;
exception
when others then
path := null;
end
$fn$;` },
  { name: 'raise_priority', sql: `create or replace function jobmaster.raise_priority(job_id bigint, at_least integer)
returns void
language plpgsql volatile
as $fn$
declare
level bigint[] := array[job_id];
begin
while level is not null loop
update jobmaster.jobs
set priority = at_least, rank = -at_least
where id = any (array(
select id
from jobmaster.jobs
where id = any (level) and finished_at is null and priority < at_least
order by id
for update skip locked
));
at_least := least(at_least + 1, 1000000000);
select array_agg(distinct blocker_id) into level
from jobmaster.blockers
where blockers.job_id = any (level);
end loop;
end
$fn$;` },
  { name: 'waiting_keys', sql: `create or replace function jobmaster.waiting_keys(task integer, above bigint, most integer)
returns bigint[]
language sql stable
as $fn$
with recursive each (key, number) as (
(
select job.limit_key, 1
from jobmaster.jobs job
where job.status = 'waiting' and job.limit_key is not null and job.task_id = task and job.limit_key > above
order by job.task_id, job.limit_key
limit 1
)
union all
select (
select job.limit_key
from jobmaster.jobs job
where job.status = 'waiting' and job.limit_key is not null and job.task_id = task and job.limit_key > each.key
order by job.task_id, job.limit_key
limit 1
), each.number + 1
from each
where each.key is not null and each.number < most
)
select coalesce(array_agg(each.key), '{}') from each where each.key is not null
$fn$;` },
  { name: 'rate_frees', sql: `create or replace function jobmaster.rate_frees(hashes jsonb, moment timestamptz)
returns timestamptz
language sql stable
as $fn$
select min(full_key.frees_at)
from jobmaster.tasks task
cross join lateral unnest(case
when task.rate_limit_per is null then array[0::bigint]
else jobmaster.waiting_keys(task.id, -9223372036854775808, 1000)
end) each (key)
cross join lateral (
select starts.started_at + task.rate_seconds * interval '1 second' as frees_at
from jobmaster.starts
where (starts.task_id, starts.limit_key, starts.started_at) > (task.id, each.key, moment - task.rate_seconds * interval '1 second')
and (starts.task_id, starts.limit_key) <= (task.id, each.key)
order by starts.task_id desc, starts.limit_key desc, starts.started_at desc
offset task.rate_limit - 1
limit 1
) full_key
where task.rate_limit is not null
and task.retired_at is null
and task.paused_at is null
and task.hash = hashes ->> (task.type_key || '.' || task.task_key)
and exists (select from jobmaster.jobs job where job.status = 'waiting' and job.task_id = task.id)
$fn$;` },
  { name: 'read_committed', sql: `create or replace function jobmaster.read_committed()
returns void
language plpgsql volatile
as $fn$
begin
if current_setting('transaction_isolation') <> 'read committed' then
raise exception using
errcode = 'JM013',
message = format('JobMaster needs READ COMMITTED, and this transaction is %s', upper(current_setting('transaction_isolation'))),
hint = 'Set default_transaction_isolation to ''read committed'' for this role, or begin this transaction with that level.';
end if;
end
$fn$;` },
  { name: 'reckoned', sql: `create or replace function jobmaster.reckoned(given jsonb, op text, operand numeric)
returns jsonb
language sql immutable
as $fn$
select case
when op is null then given
when jsonb_typeof(given) = 'number' then trim_scale(case op
when 'plus' then given::numeric + operand
when 'minus' then given::numeric - operand
when 'times' then given::numeric * operand
when 'dividedBy' then given::numeric / nullif(operand, 0)
end)::text::jsonb
end
$fn$;` },
  { name: 'record_signature', sql: `create or replace function jobmaster.record_signature(given text, signed_at timestamptz)
returns text
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
moment timestamptz := jobmaster.clock();
begin
if signed_at is null or signed_at not between moment - interval '5 minutes' and moment + interval '5 minutes' then
return 'expired';
end if;
delete from jobmaster.signatures
where signature = any (array(
select signature
from jobmaster.signatures
where expires_at < moment
order by expires_at
limit 100
for update skip locked
));
insert into jobmaster.signatures (signature, expires_at)
values (given, signed_at + interval '5 minutes')
on conflict do nothing;
return case when found then 'recorded' else 'replayed' end;
end
$fn$;` },
  { name: 'refuse', sql: `create or replace function jobmaster.refuse(items jsonb)
returns void
language plpgsql stable
as $fn$
declare
item jsonb;
position bigint;
named jobmaster.tasks;
checked record;
begin
for item, position in select * from jsonb_array_elements(items) with ordinality loop
select * into named from jobmaster.task_named(item ->> 'task');
select * into checked from jobmaster.check_job(named, item);
exit when checked.code is not null;
end loop;
raise exception using
errcode = coalesce(checked.code, '40001'),
message = coalesce(checked.problem, 'the tasks were deployed anew meanwhile: insert again'),
detail = format('job %s of %s; none was inserted', position, jsonb_array_length(items)),
column = coalesce(checked.argument, '');
end
$fn$;` },
  { name: 'resume', sql: `create or replace function jobmaster.resume(
task text default null, system text default null, schedule text default null
)
returns void
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
perform jobmaster.set_paused('resume', task, system, schedule, null);
end
$fn$;` },
  { name: 'retry', sql: `create or replace function jobmaster.retry(job_id bigint)
returns text
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
job jobmaster.jobs;
begin
select * into job from jobmaster.jobs where id = job_id for update;
if not found then
raise exception using errcode = 'JM011', message = format('there is no job #%s', job_id);
elsif job.status not in ('failed', 'cancelled') then
raise exception using
errcode = 'JM012',
message = format('job #%s is %s: only a failed or cancelled job can be retried', job_id, job.status);
end if;
perform jobmaster.retry_jobs(array[job_id]);
return 'waiting';
end
$fn$;
create or replace function jobmaster.retry(filter jsonb)
returns jsonb
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
condition text := jobmaster.filtered('retry', case when filter ->> 'status' is null then filter || '{"status": "failed"}' else filter end, '{failed,cancelled}');
begin
return jobmaster.bitten(jobmaster.retry_jobs(jobmaster.bite('retry', filter, condition)), condition);
end
$fn$;
create or replace function jobmaster.retry(filter text)
returns jsonb
language sql volatile
as $fn$
select jobmaster.retry(filter::jsonb)
$fn$;` },
  { name: 'retry_delay', sql: `create or replace function jobmaster.retry_delay(failures integer)
returns interval
language sql volatile
as $fn$
select least(interval '1 hour', interval '5 seconds' * power(2, least(failures, 20) - 1)) * (0.5 + random() / 2)
$fn$;` },
  { name: 'retry_jobs', sql: `create or replace function jobmaster.retry_jobs(job_ids bigint[])
returns integer
language plpgsql volatile
as $fn$
begin
update jobmaster.jobs
set status = 'waiting',
finished_at = null,
failures = 0,
suspect = false,
error = null,
cancel_requested_at = null,
blocked_at = null,
run_at = jobmaster.clock()
where id = any (job_ids);
perform jobmaster.write_keys(job_ids);
return cardinality(job_ids);
end
$fn$;` },
  { name: 'room', sql: `create or replace function jobmaster.room(system_name text, units integer, hashes jsonb, most integer)
returns integer
language sql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
with running as materialized (
select task_id, system, process_units
from jobmaster.jobs
where status = 'running' and lease_until > jobmaster.clock()
), first as materialized (
select id, rank, task_id, process_units
from jobmaster.jobs
where status = 'waiting'
order by rank, id
limit most
), limited as (
select first.id
from jobmaster.tasks task
cross join lateral jobmaster.limited(task, most, 0, jobmaster.clock()) first
where task.process_limit_per is not null or task.rate_limit is not null
), allowed as (
select
first.rank,
first.id,
first.process_units,
case when task.process_limit_per is null then task.process_limit end - (select count(*) from running where running.task_id = task.id) as places,
row_number() over (partition by first.task_id order by first.rank, first.id) as place
from first
join jobmaster.tasks task on task.id = first.task_id
where task.retired_at is null
and ((task.process_limit_per is null and task.rate_limit is null) or first.id in (select limited.id from limited))
and task.paused_at is null
and not exists (select from jobmaster.systems where name = system_name and paused_at is not null)
and task.hash = hashes ->> (task.type_key || '.' || task.task_key)
), fitting as (
select sum(process_units) over (order by rank, id) as needed
from allowed
where places is null or place <= places
)
select count(*)::integer
from fitting
where needed <= units - (select coalesce(sum(process_units), 0) from running where system = system_name)
$fn$;` },
  { name: 'set_paused', sql: `create or replace function jobmaster.set_paused(verb text, of_task text, of_system text, of_schedule text, since timestamptz)
returns timestamptz
language plpgsql volatile
as $fn$
begin
if num_nonnulls(of_task, of_system, of_schedule) <> 1 then
raise exception using errcode = 'JM008', message = format('%s: name a task, a system or a schedule, one of them', verb);
end if;
if of_task is not null then
update jobmaster.tasks
set paused_at = case when since is not null then coalesce(paused_at, since) end
where type_key || '.' || task_key = of_task and retired_at is null
returning paused_at into since;
if not found then
raise exception using errcode = 'JM001', message = jobmaster.unknown_task(of_task);
end if;
elsif of_schedule is not null then
since := jobmaster.set_schedule_paused(of_schedule, since);
else
update jobmaster.systems
set paused_at = case when since is not null then coalesce(paused_at, since) end
where name = of_system
returning paused_at into since;
if not found then
raise exception using
errcode = 'JM015',
message = format('unknown system %s (%s)', of_system, coalesce(
(select 'known: ' || string_agg(name, ', ' order by name) from jobmaster.systems),
'no invocation has run yet'
));
end if;
end if;
return since;
end
$fn$;` },
  { name: 'set_schedule_paused', sql: `create or replace function jobmaster.set_schedule_paused(of_schedule text, since timestamptz)
returns timestamptz
language plpgsql volatile
as $fn$
declare
moment timestamptz := jobmaster.clock();
begin
update jobmaster.schedules schedule
set paused_at = case when since is not null then coalesce(paused_at, since) end,
(coming, next_tick, refill_at, computed_until) = (
select
coalesce(array_agg(tick order by tick) filter (where kept), '{}'),
min(tick) filter (where kept),
case when bool_or(kept) then schedule.refill_at else moment end,
case when bool_or(kept) then schedule.computed_until else moment end
from unnest(schedule.coming) tick
cross join lateral (
select since is not null or schedule.paused_at is null or tick > moment as kept
) judged
)
where type_key || '.' || schedule_key = of_schedule
returning paused_at into since;
if not found then
raise exception using
errcode = 'JM017',
message = format('unknown schedule %s (%s)', of_schedule, coalesce(
(select 'known: ' || string_agg(type_key || '.' || schedule_key, ', ' order by type_key, schedule_key) from jobmaster.schedules),
'none is deployed'
));
end if;
return since;
end
$fn$;` },
  { name: 'settle', sql: `create or replace function jobmaster.settle(request jsonb)
returns jsonb
language plpgsql volatile
as $fn$
declare
moment timestamptz := jobmaster.clock();
me uuid := request ->> 'invocation';
job_ids bigint[];
attempts integer[];
results jsonb;
common_attempt integer;
by_id jsonb;
targets integer[];
completed integer := 0;
completed_jobs bigint[];
completed_tasks integer[];
completed_targets bigint[];
settled jsonb;
settled_count integer := 0;
ended_jobs bigint[];
ended_tasks integer[];
ended_targets bigint[];
refused bigint[];
in_groups bigint[];
dependents integer := 0;
begin
job_ids := request -> 'completed' ->> 'ids';
if job_ids <> '{}' then
attempts := request -> 'completed' ->> 'attempts';
results := nullif(request -> 'completed' -> 'results', '{}');
common_attempt := case when attempts[1] = all (attempts) then attempts[1] end;
with written as (
update jobmaster.jobs job
set status = 'completed',
finished_at = moment,
lease_until = null,
result = case when results is not null then nullif(results -> job.id::text, 'null') end
where job.id = any (job_ids)
and job.attempt = coalesce(common_attempt, attempts[array_position(job_ids, job.id)])
and job.lease_until is not null
and job.invocation = me
returning job.id, job.task_id, job.group_id, job.parent_id
), counted as (
insert into jobmaster.tallies (minute, task_id, outcome, jobs)
select date_trunc('minute', moment), task_id, 'completed', count(*)
from written
group by task_id
)
select
array(select id from written),
array(select task_id from written),
nullif(array(select group_id from written where group_id is not null) || array(select parent_id from written where parent_id is not null), '{}')
into completed_jobs, completed_tasks, in_groups;
completed := cardinality(completed_jobs);
if completed < cardinality(job_ids) then
perform jobmaster.keep_results(me, job_ids, attempts, results);
select array_agg(given.id)
into refused
from unnest(job_ids, attempts) given (id, attempt)
where not exists (
select
from jobmaster.jobs job
where job.id = given.id
and job.attempt = given.attempt
and job.status = 'completed'
and job.invocation = me
);
completed := cardinality(job_ids) - coalesce(cardinality(refused), 0);
end if;
end if;
if jsonb_array_length(request -> 'outcomes') > 0 then
select array_agg((value ->> 'id')::bigint), jsonb_object_agg(value ->> 'id', value)
into job_ids, by_id
from jsonb_array_elements(request -> 'outcomes');
with written as (
update jobmaster.jobs job
set (status, finished_at, run_at, failures, error, suspect, lease_until) = (
select
next.status,
case when next.status in ('failed', 'cancelled') then moment end,
case
when next.status = 'scheduled'
then moment + coalesce(
(given.outcome ->> 'retry_ms')::double precision * interval '1 millisecond', jobmaster.retry_delay(job.failures + 1)
)
else job.run_at
end,
job.failures + case when next.released then 0 else 1 end,
case when next.released then job.error else given.outcome -> 'error' end,
job.suspect and next.released,
null::timestamptz
from (select by_id -> job.id::text as outcome) given
cross join lateral (
select
given.outcome ->> 'outcome' = 'released' as released,
case
when given.outcome ->> 'outcome' <> 'fatal' and job.cancel_requested_at is not null then 'cancelled'
when given.outcome ->> 'outcome' = 'released' then 'waiting'
when given.outcome ->> 'outcome' = 'fatal' or job.failures + 1 >= job.max_attempts then 'failed'
when given.outcome ->> 'outcome' = 'interrupted' then 'waiting'
else 'scheduled'
end as status
) next
)
where job.id = any (job_ids)
and job.attempt = (by_id -> job.id::text ->> 'attempt')::integer
and job.lease_until is not null
and job.invocation = me
returning job.id, job.task_id, job.status, job.finished_at, job.group_id, job.parent_id, by_id -> job.id::text ->> 'outcome' as outcome
), counted as (
insert into jobmaster.tallies (minute, task_id, outcome, jobs)
select
date_trunc('minute', moment),
task_id,
case status when 'scheduled' then 'retried' when 'waiting' then 'interrupted' else status end as became,
count(*)
from written
where outcome <> 'released' or status = 'cancelled'
group by task_id, became
)
select
jsonb_agg(jsonb_build_array(id, status)),
count(*),
array_agg(id) filter (where finished_at is not null),
array_agg(task_id) filter (where finished_at is not null),
in_groups || array_agg(group_id) filter (where finished_at is not null and group_id is not null)
|| array_agg(parent_id) filter (where finished_at is not null and parent_id is not null)
into settled, settled_count, ended_jobs, ended_tasks, in_groups
from written;
perform jobmaster.note_attempts(request, moment);
if settled_count < jsonb_array_length(request -> 'outcomes') then
select
jsonb_agg(jsonb_build_array(job.id, job.status)) filter (where job.id is not null),
refused || array_agg(given.id) filter (where job.id is null)
into settled, refused
from jsonb_to_recordset(request -> 'outcomes') as given (id bigint, attempt integer)
left join jobmaster.jobs job
on job.id = given.id
and job.attempt = given.attempt
and job.status <> 'running'
and job.invocation = me;
end if;
end if;
targets := array(select task_id from jobmaster.shapes);
if targets && completed_tasks then
select array_agg(job.id)
into completed_targets
from unnest(completed_jobs, completed_tasks) job (id, task_id)
where job.task_id = any (targets);
end if;
if targets && ended_tasks then
select array_agg(job.id)
into ended_targets
from unnest(ended_jobs, ended_tasks) job (id, task_id)
where job.task_id = any (targets);
end if;
if completed_targets is not null then
with ended as (
delete from jobmaster.job_keys
where job_id = any (completed_targets)
returning shape_id, key_hash, key, job_id
)
insert into jobmaster.completions as last (shape_id, key_hash, key, completed_at, job_id)
select distinct on (shape_id, key_hash) shape_id, key_hash, key, jobmaster.clock(), job_id
from ended
order by shape_id, key_hash, job_id desc
on conflict (shape_id, key_hash) do update
set key = excluded.key,
completed_at = greatest(last.completed_at, excluded.completed_at),
job_id = excluded.job_id;
end if;
if ended_targets is not null then
delete from jobmaster.job_keys where job_id = any (ended_targets);
end if;
if completed_targets is not null or ended_targets is not null or in_groups is not null then
dependents := jobmaster.wake_dependents(completed_targets || ended_targets, in_groups);
end if;
return jsonb_build_object(
'completed', completed,
'settled', coalesce(settled, '[]'),
'refused', coalesce(to_jsonb(refused), '[]'),
'dependents', dependents
);
end
$fn$;` },
  { name: 'settle_and_claim', sql: `create or replace function jobmaster.settle_and_claim(request jsonb)
returns text
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $fn$
declare
moment timestamptz;
answer jsonb := '{}';
some_waiting boolean;
some_due boolean;
some_scheduled boolean;
swept integer;
claimed record;
jobs text;
met text;
begin
if current_setting('transaction_isolation') <> 'read committed' then
perform jobmaster.read_committed();
end if;
if (request ->> 'version')::integer <> 1 then
raise exception using
errcode = 'JM010',
message = format('this database speaks version 1 of JobMaster''s protocol, and the caller version %s', request ->> 'version'),
hint = 'Run jobmaster deploy with the newer of the two.';
end if;
if jsonb_typeof(request -> 'completed') = 'array' then
select request || jsonb_build_object('completed', jsonb_build_object(
'ids', coalesce(array_agg((value ->> 0)::bigint), '{}')::text,
'attempts', coalesce(array_agg((value ->> 1)::integer), '{}')::text,
'results', coalesce(jsonb_object_agg(value ->> 0, value -> 2) filter (where value -> 2 is not null), '{}')
))
into request
from jsonb_array_elements(request -> 'completed');
end if;
if request -> 'completed' ->> 'ids' <> '{}' or jsonb_array_length(request -> 'outcomes') > 0 then
answer := jobmaster.settle(request);
if jsonb_array_length(request -> 'outcomes') > 0 then
perform jobmaster.forget_starts(request);
end if;
end if;
if request ? 'notes' then
perform jobmaster.note(request -> 'notes', (request ->> 'invocation')::uuid, jobmaster.clock());
end if;
if (request ->> 'sequence')::integer % 100 = 1 then
perform jobmaster.merge_tallies(jobmaster.clock());
end if;
if request ? 'keep' then
swept := jobmaster.sweep(
(request -> 'keep' ->> 'completed')::double precision * interval '1 second',
(request -> 'keep' ->> 'failed')::double precision * interval '1 second',
greatest(500, 2 * cardinality((request -> 'completed' ->> 'ids')::bigint[])),
jobmaster.clock()
);
end if;
if request ? 'ticks' then
perform jobmaster.add_ticks(request -> 'ticks');
end if;
if (request ->> 'limit')::integer > 0 then
moment := jobmaster.clock();
if (request ->> 'sequence')::integer = 1 then
perform jobmaster.note_system(request ->> 'system', (request ->> 'units')::integer);
end if;
if (request ->> 'sequence')::integer = 1 or (request ->> 'take_back')::boolean then
if exists (select from jobmaster.jobs where status = 'running' and lease_until <= moment) then
perform jobmaster.take_back(moment);
end if;
end if;
select
request ->> 'after' is not null or exists (select from jobmaster.jobs where status = 'waiting'),
exists (select from jobmaster.jobs where status = 'scheduled' and run_at <= moment),
exists (select from jobmaster.schedules where due_at <= moment)
into some_waiting, some_due, some_scheduled;
if some_due then
perform jobmaster.promote(moment);
end if;
if some_scheduled then
answer := answer || jobmaster.fire(moment);
end if;
if some_due or some_scheduled then
some_waiting := exists (select from jobmaster.jobs where status = 'waiting');
end if;
if some_waiting or (request ->> 'repeat')::boolean then
claimed := jobmaster.claim(request);
jobs := claimed.jobs;
met := claimed.met;
answer := answer || claimed.told;
end if;
end if;
if jobs is null then
answer := answer || jobmaster.idle(request);
end if;
return '{"jobs":[' || coalesce(jobs, '') || ('],"met":[' || coalesce(met, '') || ('],"took_ms":'
|| round(extract(epoch from clock_timestamp() - statement_timestamp()) * 1000, 1) || ',' || substr(answer::text, 2)));
end
$fn$;
create or replace procedure jobmaster.settle_and_claim(request jsonb, inout answer text)
language plpgsql
as $fn$
declare
place pg_lsn;
begin
answer := jobmaster.settle_and_claim(request);
if pg_catalog.pg_current_xact_id_if_assigned() is null
and not pg_catalog.starts_with(answer, '{"jobs":[[')
and (request operator(pg_catalog.->>) 'repeat')::boolean is not true
then
return;
end if;
set local synchronous_commit = off;
commit;
place := pg_catalog.pg_logical_emit_message(true, 'jobmaster', '');
end
$fn$;` },
  { name: 'supersede', sql: `create or replace function jobmaster.supersede()
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $fn$
declare
one record;
grantee oid;
begin
for one in
select former.oid::regprocedure as signature, former.proacl, present.oid::regprocedure as successor
from pg_proc former
join pg_proc present on present.pronamespace = former.pronamespace and present.proname = former.proname
join pg_namespace place on place.oid = former.pronamespace
where place.nspname = 'jobmaster'
and (former.proname, oidvectortypes(former.proargtypes), oidvectortypes(present.proargtypes)) in (
('choose', 'integer[], integer[], integer[], integer[], bigint, integer, text, timestamp with time zone', 'integer[], integer[], integer[], integer[], bigint, integer, text, timestamp with time zone, bigint'),
('enqueue', 'text, text, jsonb, integer, timestamp with time zone', 'text, text, jsonb, integer, timestamp with time zone, text, text, double precision, double precision, bigint[], text'),
('enqueue', 'text, text, json, integer, timestamp with time zone', 'text, text, json, integer, timestamp with time zone, text, text, double precision, double precision, bigint[], text'),
('enqueue', 'text, text, text, integer, timestamp with time zone', 'text, text, text, integer, timestamp with time zone, text, text, double precision, double precision, bigint[], text'),
('enqueue', 'text, text, jsonb, integer, timestamp with time zone, text, text, double precision, double precision', 'text, text, jsonb, integer, timestamp with time zone, text, text, double precision, double precision, bigint[], text'),
('enqueue', 'text, text, json, integer, timestamp with time zone, text, text, double precision, double precision', 'text, text, json, integer, timestamp with time zone, text, text, double precision, double precision, bigint[], text'),
('enqueue', 'text, text, text, integer, timestamp with time zone, text, text, double precision, double precision', 'text, text, text, integer, timestamp with time zone, text, text, double precision, double precision, bigint[], text'),
('insert_dependency', 'integer, integer, jsonb, integer, timestamp with time zone', 'integer, integer, jsonb, integer, timestamp with time zone, bigint'),
('pause', 'text, text', 'text, text, text'),
('resume', 'text, text', 'text, text, text'),
('wake_dependents', 'bigint[]', 'bigint[], bigint[]'),
('set_paused', 'text, text, text, timestamp with time zone', 'text, text, text, text, timestamp with time zone')
)
loop
for grantee in
select acl.grantee from aclexplode(one.proacl) acl where acl.privilege_type = 'EXECUTE' and acl.grantee <> 0
loop
execute format('grant execute on function %s to %s', one.successor, grantee::regrole);
end loop;
execute format('drop function %s', one.signature);
end loop;
for one in
select former.oid::regprocedure as signature
from pg_proc former
join pg_namespace place on place.oid = former.pronamespace
where place.nspname = 'jobmaster' and (former.proname, oidvectortypes(former.proargtypes)) in (('met_dependencies', 'bigint[]'))
loop
execute format('drop function %s', one.signature);
end loop;
end
$fn$;` },
  { name: 'sweep', sql: `create or replace function jobmaster.sweep(completed interval, failed interval, at_most integer, moment timestamptz)
returns integer
language plpgsql volatile
as $fn$
declare
shortest interval := least(completed, failed);
place bigint;
began timestamptz;
next_is_old boolean;
seen bigint[];
pruned bigint[];
over_groups bigint[];
begin
select
retention.after_id,
retention.began_at,
(
select job.created_at < moment - shortest
from jobmaster.jobs job
where job.id > retention.after_id
order by job.id
limit 1
)
into place, began, next_is_old
from jobmaster.retention;
if not found then
insert into jobmaster.retention (id, after_id, began_at) values (1, 0, moment) on conflict do nothing;
place := 0;
began := moment;
next_is_old := true;
end if;
if next_is_old is not true then
if began > moment - least(shortest, interval '1 hour') then
return 0;
end if;
place := 0;
began := moment;
perform jobmaster.delete_groups(jobmaster.empty_groups(moment - greatest(completed, failed), at_most));
end if;
perform from jobmaster.retention for update skip locked;
if not found then
return 0;
end if;
seen := array(
select next.id
from (
select job.id, job.created_at
from jobmaster.jobs job
where job.id > place
order by job.id
limit at_most
) next
where next.created_at < moment - shortest
order by next.id
);
pruned := array(
select id
from jobmaster.jobs
where id = any (seen)
and finished_at < moment - case when status in ('completed', 'expanded') then completed else failed end
and (coalesce(group_id, parent_id) is null or not exists (
select from jobmaster.groups where groups.id = any (array[group_id, parent_id]) and ended_at is null
))
order by id
for update skip locked
);
if exists (select from jobmaster.groups) then
over_groups := jobmaster.groups_of(pruned);
end if;
perform jobmaster.delete_jobs(pruned);
perform jobmaster.delete_groups(over_groups);
update jobmaster.retention set after_id = coalesce(seen[cardinality(seen)], after_id), began_at = began;
return cardinality(pruned);
end
$fn$;` },
  { name: 'take_back', sql: `create or replace function jobmaster.take_back(moment timestamptz)
returns void
language plpgsql volatile
as $fn$
declare
ended bigint[];
begin
with ended_invocation as materialized (
select invocation, held = 1 as alone
from (
select invocation, count(*) as held, sum(count(*)) over (order by min(claim), invocation) as all_held
from jobmaster.jobs
where status = 'running'
group by invocation
having max(lease_until) <= moment
) over_now
where all_held - held < 1000
), expired as materialized (
select found.id, ended_invocation.alone
from (
select id, invocation
from jobmaster.jobs
where status = 'running'
and lease_until <= moment
and invocation = any (array(select invocation from ended_invocation))
order by id
for update skip locked
) found
join ended_invocation on ended_invocation.invocation = found.invocation
), lost as (
update jobmaster.jobs job
set (status, finished_at) = (
select next.status, case when next.status <> 'waiting' then moment end
from (
select case
when job.cancel_requested_at is not null then 'cancelled'
when expired.alone and job.failures + 1 >= job.max_attempts then 'failed'
else 'waiting'
end as status
) next
),
run_at = moment,
failures = job.failures + expired.alone::integer,
suspect = true,
lease_until = null,
invocation = null,
error = jsonb_build_object(
'name', 'LeaseLost',
'message', format('attempt %s: its invocation ended without settling it (it was killed, or ran past its limit)', job.attempt)
)
from expired
where job.id = expired.id
returning job.id, job.task_id, job.finished_at, job.attempt, job.started_at, job.system, job.error
), counted as (
insert into jobmaster.tallies (minute, task_id, outcome, jobs)
select date_trunc('minute', moment), task_id, 'lost', count(*)
from lost
group by task_id
), noted as (
insert into jobmaster.attempts (job_id, attempt, started_at, finished_at, outcome, system, error)
select id, attempt, started_at, moment, 'lost', system, error
from lost
on conflict (job_id, attempt) do nothing
)
select array_agg(id) filter (where finished_at is not null) into ended from lost;
if ended is not null then
perform jobmaster.tally(array_agg(task_id), status, moment)
from jobmaster.jobs
where id = any (ended)
group by status;
delete from jobmaster.job_keys where job_id = any (ended);
perform jobmaster.wake_dependents(ended, jobmaster.groups_of(ended));
end if;
end
$fn$;` },
  { name: 'tally', sql: `create or replace function jobmaster.tally(task_ids integer[], outcome text, moment timestamptz)
returns void
language sql volatile
as $fn$
insert into jobmaster.tallies (minute, task_id, outcome, jobs)
select date_trunc('minute', moment), id, outcome, count(*)
from unnest(task_ids) id
group by id
$fn$;` },
  { name: 'task_named', sql: `create or replace function jobmaster.task_named(name text)
returns setof jobmaster.tasks
language sql stable
as $fn$
select *
from jobmaster.tasks
where type_key = substring(name from '^(.*)\\.') and task_key = substring(name from '[^.]*$') and retired_at is null
$fn$;` },
  { name: 'told', sql: `create or replace function jobmaster.told(job jobmaster.jobs)
returns jsonb
language sql stable
as $fn$
select jsonb_build_object(
'id', job.id, 'args', job.args, 'priority', job.priority, 'status', job.status, 'attempt', job.attempt,
'maxAttempts', job.max_attempts, 'failures', job.failures, 'processUnits', job.process_units, 'system', job.system,
'createdAt', job.created_at, 'runAt', job.run_at, 'startedAt', job.started_at, 'finishedAt', job.finished_at,
'leaseUntil', job.lease_until, 'result', null, 'error', null, 'parentId', job.parent_id, 'groupId', job.group_id, 'progress', null
)
$fn$;` },
  { name: 'unique_wish', sql: `create or replace function jobmaster.unique_wish(
task jobmaster.tasks,
item jsonb,
args jsonb,
out mode text,
out within double precision,
out debounce double precision,
out key jsonb,
out problem text,
out option text
)
language plpgsql immutable
as $fn$
declare
longest constant double precision := 31536000;
rule jsonb := coalesce(task.unique_rule, '{}') || coalesce(
(select jsonb_object_agg(given.key, given.value) from jsonb_each(item) given where given.key in ('unique', 'unique_key', 'debounce_seconds')),
'{}'
);
wish jsonb := rule -> 'unique';
begin
if rule = '{}' or wish = 'false' then
return;
end if;
if rule ? 'debounce_seconds' then
debounce := case when jsonb_typeof(rule -> 'debounce_seconds') = 'number' then rule -> 'debounce_seconds' end;
if debounce is null or debounce <= 0 or debounce > longest then
option := 'debounceSeconds';
problem := format('debounceSeconds must be a number above 0, at most %s, got %s', longest, jobmaster.shown(rule -> 'debounce_seconds'));
return;
end if;
end if;
if rule ? 'unique_key' and (jsonb_typeof(rule -> 'unique_key') <> 'string' or char_length(rule ->> 'unique_key') not between 1 and 500) then
option := 'uniqueKey';
problem := format('uniqueKey must be a text of 1 to 500 characters, got %s', jobmaster.shown(rule -> 'unique_key'));
return;
end if;
if jsonb_typeof(wish) = 'object' and wish - 'withinSeconds' = '{}' then
mode := 'within';
within := case when jsonb_typeof(wish -> 'withinSeconds') = 'number' then wish -> 'withinSeconds' end;
if within is null or within <= 0 or within > longest then
option := 'unique';
problem := format('withinSeconds must be a number above 0, at most %s, got %s', longest, jobmaster.shown(wish -> 'withinSeconds'));
return;
end if;
elsif wish is null then
mode := case when debounce is null then 'active' else 'waiting' end;
elsif wish in ('"waiting"', '"active"') then
mode := wish ->> 0;
else
option := 'unique';
problem := format('unique must be "waiting", "active" or {"withinSeconds": …}, got %s', jobmaster.shown(wish));
return;
end if;
if debounce is not null and mode <> 'waiting' then
option := 'debounceSeconds';
problem := format('debounceSeconds moves a job that waits: it goes with unique "waiting", got %s', jobmaster.shown(wish));
elsif debounce is not null and item ->> 'run_at' is not null then
option := 'debounceSeconds';
problem := 'debounceSeconds says when the job may start: give it or a time (runAt), not both';
end if;
key := case
when rule ? 'unique_key' then rule -> 'unique_key'
when rule ? 'unique_params'
then jobmaster.shape_key(array(select jsonb_array_elements_text(rule -> 'unique_params')), args)
else args
end;
end
$fn$;` },
  { name: 'unknown_group', sql: `create or replace function jobmaster.unknown_group(id bigint)
returns text
language sql stable
as $fn$
select format('there is no group %s', $1) || case
when exists (select from jobmaster.jobs job where job.id = $1)
then format(': #%s is a job; a group is what insertMany makes with \`group\`, or the children of an ALL job', $1)
else ''
end
$fn$;` },
  { name: 'unknown_task', sql: `create or replace function jobmaster.unknown_task(name text)
returns text
language sql stable
as $fn$
select format('unknown task %s (%s)', coalesce(left(name, 401), 'null'), coalesce(
(
select 'it is retired: no deployed code has it'
from jobmaster.tasks task
where task.type_key || '.' || task.task_key = name and task.retired_at is not null
),
(
select format('known in %s: %s', min(task.type_key), string_agg(task.task_key, ', ' order by task.task_key))
from jobmaster.tasks task
where task.type_key = substring(name from '^(.*)\\.') and task.retired_at is null
having count(*) > 0
),
(
select 'known type keys: ' || string_agg(distinct task.type_key, ', ' order by task.type_key)
from jobmaster.tasks task
where task.retired_at is null
),
'no task is deployed: deploy first'
))
$fn$;` },
  { name: 'wake_dependents', sql: `create or replace function jobmaster.wake_dependents(finished bigint[], in_groups bigint[])
returns integer
language plpgsql volatile
as $fn$
declare
moment timestamptz := jobmaster.clock();
dependents bigint[];
failed bigint[];
failed_tasks integer[];
woken bigint[];
all_failed bigint[] := '{}';
begin
with recursive affected (id, fails) as (
select blockers.job_id, blocker.status in ('failed', 'cancelled')
from jobmaster.blockers
join jobmaster.jobs blocker on blocker.id = blockers.blocker_id
where blockers.blocker_id = any (finished)
union
select blockers.job_id, true
from affected
join jobmaster.blockers on blockers.blocker_id = affected.id
where affected.fails
)
select array_agg(distinct id) into dependents from affected;
if dependents is not null then
perform from jobmaster.jobs where id = any (dependents) order by id for update;
end if;
while dependents is not null loop
select array_agg(distinct job_id order by job_id) into dependents
from jobmaster.blockers
where blocker_id = any (finished);
exit when dependents is null;
perform from jobmaster.jobs where id = any (dependents) order by id for update;
with reason as (
select distinct on (blockers.job_id) blockers.job_id, format(
'%s.%s #%s, which this job depends on, %s',
task.type_key,
task.task_key,
blocker.id,
case blocker.status when 'failed' then 'failed: ' || coalesce(blocker.error ->> 'message', '') else 'was cancelled' end
) as message
from jobmaster.blockers
join jobmaster.jobs blocker on blocker.id = blockers.blocker_id
join jobmaster.tasks task on task.id = blocker.task_id
where blockers.job_id = any (dependents) and blocker.status in ('failed', 'cancelled')
order by blockers.job_id, blocker.id
), ended as (
update jobmaster.jobs job
set status = 'failed',
finished_at = moment,
error = jsonb_build_object('name', 'DependencyFailed', 'message', left(reason.message, 2000))
from reason
where job.id = reason.job_id and job.status = 'blocked'
returning job.id, job.task_id
)
select array_agg(id), array_agg(task_id) into failed, failed_tasks from ended;
with ready as (
update jobmaster.jobs job
set status = 'waiting'
where job.id = any (dependents)
and job.status = 'blocked'
and not exists (
select
from jobmaster.blockers
join jobmaster.jobs blocker on blocker.id = blockers.blocker_id
where blockers.job_id = job.id and blocker.status <> 'completed'
)
returning job.id
)
select array_agg(id) into woken from ready;
delete from jobmaster.blockers where job_id = any (woken || failed);
exit when failed is null;
perform jobmaster.tally(failed_tasks, 'failed', moment);
delete from jobmaster.job_keys where job_id = any (failed);
all_failed := all_failed || failed;
finished := failed;
end loop;
if all_failed <> '{}' then
in_groups := in_groups || jobmaster.groups_of(all_failed);
end if;
if in_groups is not null then
perform jobmaster.end_groups(in_groups);
end if;
return cardinality(all_failed);
end
$fn$;` },
  { name: 'write_keys', sql: `create or replace function jobmaster.write_keys(job_ids bigint[])
returns void
language sql volatile
as $fn$
insert into jobmaster.job_keys (job_id, shape_id, key_hash, key)
select job.id, shape.id, jsonb_hash_extended(looked_at.key, 0), looked_at.key
from jobmaster.jobs job
join jobmaster.shapes shape on shape.task_id = job.task_id
cross join lateral (select jobmaster.shape_key(shape.names, job.args) as key) looked_at
where job.id = any (job_ids)
and not job.expands
and job.finished_at is null
and (job.status <> 'scheduled' or job.attempt > 0)
on conflict do nothing
$fn$;` },
]
