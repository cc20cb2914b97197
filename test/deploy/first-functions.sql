-- The SQL functions of the first schema, as deploy created them beside the tables of 0000_init: what an upgrade starts from.

create or replace function jobmaster.active_job(shape integer, wanted jsonb)
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
$fn$;

create or replace function jobmaster.cancel(job_id bigint)
returns text
language plpgsql volatile
as $fn$
declare
job jobmaster.jobs;
begin
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
delete from jobmaster.job_keys where job_keys.job_id = cancel.job_id;
delete from jobmaster.blockers where blockers.job_id = cancel.job_id;
perform jobmaster.wake_dependents(array[job_id]);
return 'cancelled';
end if;
return job.status;
end
$fn$;

create or replace function jobmaster.check_arguments(
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
for index in 0 .. jsonb_array_length(params) - 1 loop
names := names || (params -> index ->> 'name');
end loop;
if args - names <> '{}' then
code := 'JM003';
argument := name;
name := (select key from jsonb_object_keys(args - names) key limit 1);
problem := format('%sunknown argument %s', label, jobmaster.shown(to_jsonb(name)));
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
$fn$;

create or replace function jobmaster.check_value(schema jsonb, value jsonb, definitions jsonb default null, depth integer default 0)
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
size := size + regexp_count(string collate "C", '[\U00010000-\U0010ffff]');
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
$fn$;

create or replace function jobmaster.choose(
able integer[], slots integer[], units integer[], heavy integer[], free_units bigint, wanted integer, on_system text,
moment timestamptz
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
select head.rank, head.id, task.process_units
into starving
from jobmaster.tasks task
cross join lateral (
select job.rank, job.id, job.run_at
from jobmaster.jobs job
where job.status = 'waiting' and job.task_id = task.id and not job.suspect
order by job.rank, job.id
limit 1
) head
where task.id = any (heavy) and head.run_at <= moment - interval '1 minute'
order by head.rank, head.id
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
select job.id, job.rank
from jobmaster.jobs job
where job.status = 'waiting' and job.task_id = may.id and not job.suspect
order by job.rank, job.id
limit least(may.room, free_units / may.process_units)
) head
where starving.id is null
or (head.rank, head.id) < (starving.rank, starving.id)
or moment + task.timeout_ms * interval '1 millisecond' <= free_at
order by head.rank, head.id
loop
exit when cardinality(chosen) >= wanted;
if slots[candidate.index] > 0 and candidate.process_units <= free_units then
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
$fn$;

create or replace function jobmaster.claim(request jsonb)
returns jsonb
language plpgsql volatile
as $fn$
declare
wanted integer := request ->> 'limit';
me uuid := request ->> 'invocation';
call integer := request ->> 'sequence';
on_system text := request ->> 'system';
since bigint := coalesce((request ->> 'since')::bigint, 0);
after_rank integer := request -> 'after' ->> 0;
after_id bigint := request -> 'after' ->> 1;
from_top boolean;
claim_number bigint;
moment timestamptz;
busy_tasks integer[];
busy_jobs integer[];
free_units bigint;
expired boolean;
again boolean;
able integer[];
names text[];
slots integer[];
units integer[];
special boolean[];
heavy integer[];
chosen bigint[];
in_order boolean;
has_special boolean;
moved boolean;
first_rank integer;
last_rank integer;
last_id bigint;
suspect record;
alone boolean := false;
expanding bigint[];
dependent bigint[];
looked record;
problems jsonb;
taken jsonb;
taken_count integer;
jobs jsonb := '[]';
several_rounds boolean := false;
met jsonb := '{}';
expanded integer := 0;
children integer := 0;
blocked integer := 0;
contended integer := 0;
begin
perform pg_advisory_xact_lock(hashtextextended('jobmaster', 0));
moment := jobmaster.clock();
for round in 1 .. 10 loop
select
array_agg(busy.task_id),
array_agg(busy.running),
(request ->> 'units')::bigint - coalesce(sum(busy.weight), 0),
coalesce(min(busy.oldest), since),
coalesce(bool_or(busy.expired), false),
coalesce(bool_or(busy.again), false)
into busy_tasks, busy_jobs, free_units, since, expired, again
from (
select
job.task_id,
count(*)::integer as running,
sum(job.process_units) filter (where job.system = on_system) as weight,
min(job.claim) as oldest,
bool_or(job.lease_until <= moment) as expired,
bool_or(job.invocation = me and job.sequence = call) as again
from jobmaster.jobs job
where job.status = 'running' and job.claim >= since
group by job.task_id
) busy;
if round = 1 and again then
select
jsonb_agg(jsonb_build_array(
job.id, task.type_key || '.' || task.task_key, job.attempt, job.priority, job.args, job.error ->> 'message'
) order by job.rank, job.id),
jobmaster.met_dependencies(array_agg(job.id))
into jobs, met
from jobmaster.jobs job
join jobmaster.tasks task on task.id = job.task_id
where job.status = 'running' and job.claim >= since and job.invocation = me and job.sequence = call;
after_id := null;
exit;
end if;
select
array_agg(task.id) filter (where task.process_units <= free_units),
array_agg(task.name) filter (where task.process_units <= free_units),
array_agg(task.room) filter (where task.process_units <= free_units),
array_agg(task.process_units) filter (where task.process_units <= free_units),
array_agg(task.dependent) filter (where task.process_units <= free_units),
array_agg(task.id) filter (where task.process_units > free_units)
into able, names, slots, units, special, heavy
from (
select
task.id,
task.type_key || '.' || task.task_key as name,
least(wanted, task.process_limit - coalesce(busy.running, 0)) as room,
task.process_units,
exists (select from jobmaster.dependencies dependency where dependency.task_id = task.id) as dependent
from jobmaster.tasks task
left join unnest(busy_tasks, busy_jobs) busy (task_id, running) on busy.task_id = task.id
where task.retired_at is null
and task.paused_at is null
and task.process_units <= (request ->> 'units')::bigint
and task.hash = request -> 'tasks' ->> (task.type_key || '.' || task.task_key)
and (
task.timeout_ms is null
or task.timeout_ms <= (request ->> 'time_left_ms')::double precision
or (request ->> 'started')::integer = 0
)
) task
where task.room > 0;
exit when able is null;
from_top := after_id is null;
with head as materialized (
select job.id, job.task_id, job.rank, job.expands
from jobmaster.jobs job
where job.status = 'waiting' and not job.suspect and (job.rank, job.id) > (coalesce(after_rank, -2147483648), coalesce(after_id, 0))
order by job.rank, job.id
limit wanted
for update skip locked
), load as (
select head.task_id, count(*) as jobs, bool_or(head.expands) as expands
from head
group by head.task_id
), judged as (
select
bool_and(may.id is not null and load.jobs <= may.room) as each_fits,
sum(load.jobs * may.process_units) as weight,
bool_or(load.expands or may.dependent) as special
from load
left join unnest(able, slots, units, special) may (id, room, process_units, dependent) on may.id = load.task_id
)
select
(select array_agg(head.id) from head),
(select max(head.rank) from head),
(select min(head.rank) from head),
judged.each_fits and judged.weight <= free_units,
judged.special
into chosen, last_rank, first_rank, in_order, has_special
from judged;
if round = 1 and (request ->> 'held')::integer = 0 and exists (
select from jobmaster.jobs job where job.status = 'waiting' and job.suspect
) then
select job.id, job.rank
into suspect
from jobmaster.jobs job
where job.status = 'waiting' and job.suspect and job.task_id = any (able)
order by job.rank, job.id
limit 1
for update skip locked;
alone := found and (chosen is null or (suspect.rank, suspect.id) < (first_rank, chosen[1]));
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
elsif not in_order then
chosen := jobmaster.choose(able, slots, units, heavy, free_units, wanted, on_system, moment);
exit when chosen = '{}';
has_special := true;
end if;
last_id := chosen[cardinality(chosen)];
moved := false;
problems := '{}';
if has_special then
select
array_agg(job.id order by job.rank, job.id) filter (where job.expands),
array_agg(job.id order by job.rank, job.id) filter (where not job.expands and may.dependent),
coalesce(array_agg(job.id) filter (where not job.expands and not may.dependent), '{}')
into expanding, dependent, chosen
from jobmaster.jobs job
join unnest(able, special) may (id, dependent) on may.id = job.task_id
where job.id = any (chosen);
if expanding is not null then
children := children + jobmaster.expand(expanding[1:1], moment);
expanded := expanded + 1;
moved := true;
end if;
if dependent is not null then
select * into looked from jobmaster.look(dependent, moment);
chosen := chosen || looked.ready;
problems := looked.problems;
blocked := blocked + looked.blocked;
contended := contended + looked.contended;
moved := moved or looked.blocked > 0 or looked.contended > 0;
met := met || jobmaster.met_dependencies(looked.ready);
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
lease_until = moment + (request ->> 'lease_ms')::double precision * interval '1 millisecond',
claim = claim_number,
invocation = me,
sequence = call,
system = on_system,
process_units = may.process_units,
blocked_at = null,
error = case
when problems ? job.id::text
then jsonb_build_object('name', 'DependencyFailed', 'message', problems ->> job.id::text)
end
from unnest(able, names, units) may (id, name, process_units)
where job.id = any (chosen) and may.id = job.task_id
returning job.id, may.name, job.attempt, job.priority, job.rank, job.args, job.error
)
select
count(*),
coalesce(jsonb_agg(
jsonb_build_array(taken.id, taken.name, taken.attempt, taken.priority, taken.args, taken.error ->> 'message')
order by taken.rank, taken.id
), '[]')
into taken_count, taken
from taken;
several_rounds := jobs <> '[]';
jobs := jobs || taken;
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
if several_rounds then
select jsonb_agg(job.value order by (job.value ->> 3)::integer desc, (job.value ->> 0)::bigint)
into jobs
from jsonb_array_elements(jobs) job;
end if;
if busy_tasks is null and claim_number is not null then
since := claim_number;
end if;
return jsonb_build_object(
'jobs', coalesce(jobs, '[]'),
'met', coalesce(met, '{}'),
'expanded', expanded,
'blocked', blocked,
'contended', contended,
'expired', expired,
'alone', alone and jobs <> '[]',
'since', since,
'after', case when after_id is not null then jsonb_build_array(after_rank, after_id) end
);
end
$fn$;

create or replace function jobmaster.clock()
returns timestamptz
language sql volatile
as $fn$
select clock_timestamp()
$fn$;

create or replace function jobmaster.combinations(args jsonb, choices jsonb)
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
$fn$;

create or replace function jobmaster.counted(number text, noun text)
returns text
language sql immutable
as $fn$
select number || ' ' || noun || case number when '1' then '' else 's' end
$fn$;

create or replace function jobmaster.deploy_catalog(catalog jsonb, functions text)
returns void
language plpgsql volatile
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
type_key, task_key, description, hash, params, process_units, process_limit, max_attempts, timeout_ms
)
select type_key, task_key, description, hash, params, process_units, process_limit, max_attempts, timeout_ms
from deployed_task
order by type_key, task_key
on conflict (type_key, task_key) do update
set description = excluded.description,
hash = excluded.hash,
params = excluded.params,
process_units = excluded.process_units,
process_limit = excluded.process_limit,
max_attempts = excluded.max_attempts,
timeout_ms = excluded.timeout_ms,
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
select id from jobmaster.jobs where status = 'blocked' order by id for update skip locked
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
set max_attempts = task.max_attempts, process_units = task.process_units
from jobmaster.tasks task
where task.id = job.task_id
and job.finished_at is null
and job.status <> 'running'
and (job.max_attempts <> task.max_attempts or job.process_units <> task.process_units)
and job.id = any (array(
select id from jobmaster.jobs where finished_at is null and status <> 'running' order by id for update skip locked
));
insert into jobmaster.meta as meta (id, functions, catalog, deployed_at)
values (1, functions, catalog ->> 'hash', moment)
on conflict (id) do update
set functions = excluded.functions, catalog = excluded.catalog, deployed_at = excluded.deployed_at
where meta.functions <> excluded.functions or meta.catalog <> excluded.catalog;
drop table deployed_task, deployed_dependency;
end
$fn$;

create or replace function jobmaster.enqueue(
type_key text, task_key text, args jsonb, priority integer default 0, run_at timestamptz default null
)
returns bigint
language plpgsql volatile
as $fn$
begin
return jobmaster.insert_jobs(jsonb_build_array(jsonb_build_object(
'task', type_key || '.' || task_key,
'args', coalesce(args, 'null'),
'priority', priority,
'run_at', run_at
))) -> 0 ->> 0;
end
$fn$;
create or replace function jobmaster.enqueue(
type_key text, task_key text, args json, priority integer default 0, run_at timestamptz default null
)
returns bigint
language sql volatile
as $fn$
select jobmaster.enqueue(type_key, task_key, args::jsonb, priority, run_at)
$fn$;
create or replace function jobmaster.enqueue(
type_key text, task_key text, args text default '{}', priority integer default 0, run_at timestamptz default null
)
returns bigint
language sql volatile
as $fn$
select jobmaster.enqueue(type_key, task_key, args::jsonb, priority, run_at)
$fn$;

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
returning id, task_id, priority, args, max_attempts, process_units, rank
), child as (
insert into jobmaster.jobs (parent_id, task_id, status, priority, args, max_attempts, process_units, created_at, run_at)
select parent.id, parent.task_id, 'waiting', parent.priority, combination, parent.max_attempts, parent.process_units, moment, moment
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

create or replace function jobmaster.explain(job_id bigint)
returns text
language plpgsql stable
as $fn$
declare
moment timestamptz := jobmaster.clock();
job record;
task jobmaster.tasks;
reasons text[] := '{}';
running integer;
holders text;
pool record;
ahead bigint;
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
select count(*), string_agg('#' || other.id, ', ' order by other.id)
into running, holders
from (select id from jobmaster.jobs where status = 'running' and task_id = task.id order by id limit 10) other;
if running >= task.process_limit then
reasons := reasons || format('process limit: %s of %s running: %s', running, task.process_limit, holders);
end if;
end if;
for pool in
select
systems.name,
systems.process_units as units,
systems.process_units - coalesce(sum(other.process_units), 0) as free,
string_agg(holder.type_key || '.' || holder.task_key || ' #' || other.id, ', ' order by other.id) as held_by,
max(other.lease_until) as until
from jobmaster.systems
left join jobmaster.jobs other on other.status = 'running' and other.system = systems.name
left join jobmaster.tasks holder on holder.id = other.task_id
group by systems.name, systems.process_units
order by systems.name
loop
if task.process_units > pool.free then
reasons := reasons || format('units: needs %s, %s of %s free on %s%s', task.process_units, pool.free, pool.units, pool.name,
coalesce(', held by ' || left(pool.held_by, 200) || ' until ' || to_char(pool.until, 'HH24:MI:SS'), ''));
end if;
end loop;
if reasons = '{}' then
select count(*) into ahead from jobmaster.jobs other
where other.status = 'waiting' and (other.rank, other.id) < (job.rank, job.id);
reasons := reasons || format('ready: the next invocation takes it, %s', case ahead when 0 then 'first' when 1 then 'after 1 other job' else 'after ' || ahead || ' other jobs' end);
end if;
if job.attempt > 0 and job.error is not null then
reasons := reasons || format('last attempt: %s failed (%s of %s counted): %s', job.attempt, job.failures, job.max_attempts, job.error ->> 'message');
end if;
end if;
return format('%s.%s #%s is %s', task.type_key, task.task_key, job.id, job.status) || E'\n' || array_to_string(reasons, E'\n');
end
$fn$;

create or replace function jobmaster.idle(request jsonb)
returns jsonb
language plpgsql volatile
as $fn$
declare
moment timestamptz := jobmaster.clock();
remaining bigint;
wake_at timestamptz;
waits text := 'empty';
skew jsonb;
begin
select count(*) into remaining from jobmaster.jobs where status = 'waiting';
select least(
(select min(run_at) from jobmaster.jobs where status = 'scheduled'),
(select min(lease_until) from jobmaster.jobs where status = 'running')
) into wake_at;
if remaining > 0 then
select
jsonb_agg(task.name order by task.name) filter (where not task.known),
case
when bool_or(task.known and not task.fits) and not bool_or(task.known and task.fits) then 'deadline'
when bool_or(task.known) then 'capacity'
else 'empty'
end
into skew, waits
from (
select
type_key || '.' || task_key as name,
coalesce(hash = request -> 'tasks' ->> (type_key || '.' || task_key), false) as known,
coalesce(timeout_ms <= (request ->> 'time_left_ms')::double precision, true) as fits
from jobmaster.tasks
where retired_at is null
and paused_at is null
and exists (select from jobmaster.jobs where status = 'waiting' and task_id = tasks.id)
) task;
end if;
return jsonb_build_object(
'stop', waits,
'remaining', remaining,
'wake_ms', case when wake_at is not null then greatest(0, ceil(extract(epoch from wake_at - moment) * 1000)) end,
'skew', coalesce(skew, '[]')
);
end
$fn$;

create or replace function jobmaster.insert_dependency(
target integer, shape integer, given jsonb, at_priority integer, moment timestamptz, out job_id bigint, out problem text
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
insert into jobmaster.jobs (task_id, status, priority, args, max_attempts, process_units, created_at, run_at)
values (target, 'waiting', at_priority, checked.complete, task.max_attempts, task.process_units, moment, moment)
returning id into job_id;
perform jobmaster.write_keys(array[job_id]);
end
$fn$;

create or replace procedure jobmaster.insert_job(
type_key text, task_key text, priority integer, args json, inout id bigint default null
)
language plpgsql
as $fn$
begin
id := jobmaster.enqueue(type_key, task_key, args::jsonb, priority);
end
$fn$;
create or replace procedure jobmaster.insert_job(
type_key text, task_key text, priority integer, args jsonb, inout id bigint default null
)
language plpgsql
as $fn$
begin
id := jobmaster.enqueue(type_key, task_key, args, priority);
end
$fn$;
create or replace procedure jobmaster.insert_job(
type_key text, task_key text, priority integer, args text, inout id bigint default null
)
language plpgsql
as $fn$
begin
id := jobmaster.enqueue(type_key, task_key, args::jsonb, priority);
end
$fn$;

create or replace function jobmaster.insert_jobs(items jsonb)
returns jsonb
language plpgsql volatile
as $fn$
declare
moment timestamptz := jobmaster.clock();
inserted jsonb;
to_key bigint[];
refusal jsonb;
begin
with item as materialized (
select
ordinality as position,
value ->> 'task' as name,
coalesce(value -> 'args', '{}') as args,
coalesce((value ->> 'priority')::numeric, 0) as priority,
coalesce((value ->> 'run_at')::timestamptz, moment) as run_at
from jsonb_array_elements(items) with ordinality
), checked as materialized (
select
item.*,
task.id as task_id,
task.max_attempts,
task.process_units,
found.complete,
found.expands,
case
when task.id is null then 'JM001'
when item.priority not between -1000000000 and 1000000000 or item.priority % 1 <> 0 then 'JM008'
when item.run_at not between timestamptz '0001-01-01 00:00:00Z' and timestamptz '9999-12-31 00:00:00Z' then 'JM008'
else found.code
end as code,
found.problem,
found.argument
from item
left join jobmaster.tasks task
on task.type_key = substring(item.name from '^(.*)\.')
and task.task_key = substring(item.name from '[^.]*$')
and task.retired_at is null
left join lateral jobmaster.check_arguments(task, case when task.id is not null then item.args end) found
on task.id is not null
), made as (
insert into jobmaster.jobs (task_id, status, priority, args, expands, max_attempts, process_units, created_at, run_at)
select
task_id,
case when run_at > moment then 'scheduled' else 'waiting' end,
priority,
complete,
expands,
max_attempts,
process_units,
moment,
run_at
from checked
where not exists (select from checked where code is not null)
order by position
returning id, task_id, status, max_attempts, process_units, created_at, run_at, args
)
select
(
select jsonb_agg(jsonb_build_array(id, status, max_attempts, process_units, created_at, run_at, args) order by id)
from made
),
(select array_agg(id) from made where task_id in (select shape.task_id from jobmaster.shapes shape)),
(select to_jsonb(checked) - 'complete' from checked where code is not null order by position limit 1)
into inserted, to_key, refusal;
if refusal is not null then
raise exception using
errcode = refusal ->> 'code',
message = case refusal ->> 'code'
when 'JM001' then jobmaster.unknown_task(refusal ->> 'name')
when 'JM008' then refusal ->> 'name' || case
when (refusal ->> 'priority')::numeric between -1000000000 and 1000000000 and (refusal ->> 'priority')::numeric % 1 = 0
then ': run_at must be a time in the years 1 to 9999, got ' || (refusal ->> 'run_at')
else ': priority must be a whole number between -1000000000 and 1000000000, got ' || (refusal ->> 'priority')
end
else refusal ->> 'problem'
end,
detail = format('job %s of %s; none was inserted', refusal ->> 'position', jsonb_array_length(items)),
column = coalesce(refusal ->> 'argument', case
when refusal ->> 'code' <> 'JM008' then ''
when (refusal ->> 'priority')::numeric between -1000000000 and 1000000000 and (refusal ->> 'priority')::numeric % 1 = 0 then 'runAt'
else 'priority'
end);
end if;
if to_key is not null then
perform jobmaster.write_keys(to_key);
end if;
return coalesce(inserted, '[]');
end
$fn$;

create or replace function jobmaster.look(
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
need.target_id, need.shape_id, need.key, least(need.priority + 1, 1000000000), moment
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
contended := (select count(distinct id) from unnest(left_waiting) id where not problems ? id::text);
select array_agg(id)
into ready
from unnest(job_ids) id
where problems ? id::text or (id <> all (stale) and id <> all (left_waiting));
end
$fn$;

create or replace function jobmaster.needed(rules jsonb, args jsonb)
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
when not rule.value ? 'op' then args -> (rule.value ->> 'same')
when jsonb_typeof(args -> (rule.value ->> 'same')) = 'number' then to_jsonb(trim_scale(
case rule.value ->> 'op'
when 'plus' then (args ->> (rule.value ->> 'same'))::numeric + (rule.value ->> 'by')::numeric
when 'minus' then (args ->> (rule.value ->> 'same'))::numeric - (rule.value ->> 'by')::numeric
when 'times' then (args ->> (rule.value ->> 'same'))::numeric * (rule.value ->> 'by')::numeric
when 'dividedBy' then (args ->> (rule.value ->> 'same'))::numeric / nullif((rule.value ->> 'by')::numeric, 0)
end
))
end as value
) found;
if choices is null then
return next given;
else
return query select jobmaster.combinations(given, choices);
end if;
end
$fn$;

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

create or replace function jobmaster.note_system(system_name text, units integer)
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
$fn$;

create or replace function jobmaster.shown(value jsonb)
returns text
language sql immutable
as $fn$
select case when char_length(value::text) > 100 then left(value::text, 99) || '…' else value::text end
$fn$;

create or replace function jobmaster.one_of(options jsonb)
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
$fn$;

create or replace function jobmaster.promote(moment timestamptz)
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
$fn$;

create or replace function jobmaster.prune(completed interval, failed interval, at_most integer default 10000)
returns integer
language plpgsql volatile
as $fn$
declare
moment timestamptz := jobmaster.clock();
pruned integer;
begin
if completed < interval '0' or failed < interval '0' then
raise exception using errcode = 'JM008', message = format('prune: an age cannot be below nothing, got %s', least(completed, failed));
end if;
delete from jobmaster.jobs
where id = any (array(
select id
from jobmaster.jobs
where finished_at < moment - case when status in ('completed', 'expanded') then completed else failed end
order by id
limit at_most
for update skip locked
));
get diagnostics pruned = row_count;
return pruned;
end
$fn$;

create or replace function jobmaster.raise_priority(job_id bigint, at_least integer)
returns void
language plpgsql volatile
as $fn$
declare
level bigint[] := array[job_id];
begin
while level is not null loop
update jobmaster.jobs
set priority = at_least
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
$fn$;

create or replace function jobmaster.record_signature(given text, signed_at timestamptz)
returns text
language plpgsql volatile
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
$fn$;

create or replace function jobmaster.retry(job_id bigint)
returns text
language plpgsql volatile
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
update jobmaster.jobs
set status = 'waiting',
finished_at = null,
failures = 0,
suspect = false,
error = null,
cancel_requested_at = null,
blocked_at = null,
run_at = jobmaster.clock()
where id = job_id;
perform jobmaster.write_keys(array[job_id]);
return 'waiting';
end
$fn$;

create or replace function jobmaster.retry_delay(failures integer)
returns interval
language sql volatile
as $fn$
select least(interval '1 hour', interval '5 seconds' * power(2, least(failures, 20) - 1)) * (0.5 + random() / 2)
$fn$;

create or replace function jobmaster.room(system_name text, units integer, hashes jsonb, most integer)
returns integer
language sql stable
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
), allowed as (
select
first.rank,
first.id,
first.process_units,
task.process_limit - (select count(*) from running where running.task_id = task.id) as places,
row_number() over (partition by first.task_id order by first.rank, first.id) as place
from first
join jobmaster.tasks task on task.id = first.task_id
where task.retired_at is null
and task.paused_at is null
and task.hash = hashes ->> (task.type_key || '.' || task.task_key)
), fitting as (
select sum(process_units) over (order by rank, id) as needed
from allowed
where places is null or place <= places
)
select count(*)::integer
from fitting
where needed <= units - (select coalesce(sum(process_units), 0) from running where system = system_name)
$fn$;

create or replace function jobmaster.settle(request jsonb)
returns jsonb
language plpgsql volatile
as $fn$
declare
moment timestamptz := jobmaster.clock();
me uuid := request ->> 'invocation';
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
dependents integer := 0;
begin
if jsonb_array_length(request -> 'completed') > 0 then
with outcome as materialized (
select (value ->> 0)::bigint as id, (value ->> 1)::integer as attempt, nullif(value -> 2, 'null') as result
from jsonb_array_elements(request -> 'completed')
order by id
), written as (
update jobmaster.jobs job
set status = 'completed',
finished_at = moment,
lease_until = null,
result = outcome.result
from outcome
where job.id = outcome.id
and job.attempt = outcome.attempt
and job.lease_until is not null
and job.invocation = me
returning job.id, job.task_id
)
select count(*), array_agg(id), array_agg(task_id)
into completed, completed_jobs, completed_tasks
from written;
if completed < jsonb_array_length(request -> 'completed') then
select array_agg((value ->> 0)::bigint)
into refused
from jsonb_array_elements(request -> 'completed')
where not exists (
select
from jobmaster.jobs job
where job.id = (value ->> 0)::bigint
and job.attempt = (value ->> 1)::integer
and job.status = 'completed'
and job.invocation = me
);
completed := jsonb_array_length(request -> 'completed') - coalesce(cardinality(refused), 0);
end if;
end if;
if jsonb_array_length(request -> 'outcomes') > 0 then
with outcome as materialized (
select id, attempt, outcome, error, retry_ms
from jsonb_to_recordset(request -> 'outcomes')
as given (id bigint, attempt integer, outcome text, error jsonb, retry_ms double precision)
order by id
), written as (
update jobmaster.jobs job
set (status, finished_at, run_at, failures, error, suspect, lease_until) = (
select
next.status,
case when next.status in ('failed', 'cancelled') then moment end,
case
when next.status = 'scheduled'
then moment + coalesce(outcome.retry_ms * interval '1 millisecond', jobmaster.retry_delay(job.failures + 1))
else job.run_at
end,
job.failures + case when outcome.outcome = 'released' then 0 else 1 end,
case when outcome.outcome = 'released' then job.error else outcome.error end,
job.suspect and outcome.outcome = 'released',
null::timestamptz
from (
select case
when outcome.outcome <> 'fatal' and job.cancel_requested_at is not null then 'cancelled'
when outcome.outcome = 'released' then 'waiting'
when outcome.outcome = 'fatal' or job.failures + 1 >= job.max_attempts then 'failed'
when outcome.outcome = 'interrupted' then 'waiting'
else 'scheduled'
end as status
) next
)
from outcome
where job.id = outcome.id
and job.attempt = outcome.attempt
and job.lease_until is not null
and job.invocation = me
returning job.id, job.task_id, job.status, job.finished_at
)
select
jsonb_agg(jsonb_build_array(id, status)),
count(*),
array_agg(id) filter (where finished_at is not null),
array_agg(task_id) filter (where finished_at is not null)
into settled, settled_count, ended_jobs, ended_tasks
from written;
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
select array_agg(distinct task_id) into targets from jobmaster.shapes;
select array_agg(job.id)
into completed_targets
from unnest(completed_jobs, completed_tasks) job (id, task_id)
where job.task_id = any (targets);
select array_agg(job.id)
into ended_targets
from unnest(ended_jobs, ended_tasks) job (id, task_id)
where job.task_id = any (targets);
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
if completed_targets is not null or ended_targets is not null then
dependents := jobmaster.wake_dependents(completed_targets || ended_targets);
end if;
return jsonb_build_object(
'completed', completed,
'settled', coalesce(settled, '[]'),
'refused', coalesce(to_jsonb(refused), '[]'),
'dependents', dependents
);
end
$fn$;

create or replace function jobmaster.settle_and_claim(request jsonb)
returns jsonb
language plpgsql volatile
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
begin
if current_setting('transaction_isolation') <> 'read committed' then
raise exception using
errcode = 'JM013',
message = format('JobMaster needs READ COMMITTED, and this transaction is %s', upper(current_setting('transaction_isolation'))),
hint = 'Set default_transaction_isolation to ''read committed'' for the role that drains.';
end if;
if (request ->> 'version')::integer <> 1 then
raise exception using
errcode = 'JM010',
message = format('this database speaks version 1 of JobMaster''s protocol, and the caller version %s', request ->> 'version'),
hint = 'Run jobmaster deploy with the newer of the two.';
end if;
if jsonb_array_length(request -> 'completed') > 0 or jsonb_array_length(request -> 'outcomes') > 0 then
answer := jobmaster.settle(request);
end if;
if (request ->> 'held')::integer > 0 then
answer := answer || jsonb_build_object('cancel', array(
select id
from jobmaster.jobs
where status = 'running'
and claim >= (request ->> 'since')::bigint
and invocation = (request ->> 'invocation')::uuid
and cancel_requested_at is not null
));
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
if exists (select from jobmaster.jobs where status = 'scheduled' and run_at <= moment) then
perform jobmaster.promote(moment);
end if;
if (request ->> 'repeat')::boolean or exists (select from jobmaster.jobs where status = 'waiting') then
answer := answer || jobmaster.claim(request);
end if;
end if;
if jsonb_array_length(coalesce(answer -> 'jobs', '[]')) = 0 then
answer := answer || jobmaster.idle(request);
end if;
return answer;
end
$fn$;

create or replace function jobmaster.shape_key(names text[], args jsonb)
returns jsonb
language sql immutable
as $fn$
select coalesce(jsonb_object_agg(name, args -> name), '{}')
from unnest(names) name
where args ? name
$fn$;

create or replace function jobmaster.take_back(moment timestamptz)
returns void
language plpgsql volatile
as $fn$
declare
ended bigint[];
begin
with expired as materialized (
select id, count(*) over (partition by invocation) = 1 as alone
from (
select id, invocation
from jobmaster.jobs
where status = 'running' and lease_until <= moment
order by claim
limit 1000
for update skip locked
) found
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
returning job.id, job.finished_at
)
select array_agg(id) filter (where finished_at is not null) into ended from lost;
if ended is not null then
delete from jobmaster.job_keys where job_id = any (ended);
perform jobmaster.wake_dependents(ended);
end if;
end
$fn$;

create or replace function jobmaster.unknown_task(name text)
returns text
language sql stable
as $fn$
select format('unknown task %s (%s)', coalesce(name, 'null'), coalesce(
(
select 'it is retired: no deployed code has it'
from jobmaster.tasks task
where task.type_key || '.' || task.task_key = name and task.retired_at is not null
),
(
select format('known in %s: %s', min(task.type_key), string_agg(task.task_key, ', ' order by task.task_key))
from jobmaster.tasks task
where task.type_key = substring(name from '^(.*)\.') and task.retired_at is null
having count(*) > 0
),
(
select 'known type keys: ' || string_agg(distinct task.type_key, ', ' order by task.type_key)
from jobmaster.tasks task
where task.retired_at is null
),
'no task is deployed: deploy first'
))
$fn$;

create or replace function jobmaster.wake_dependents(finished bigint[])
returns integer
language plpgsql volatile
as $fn$
declare
moment timestamptz := jobmaster.clock();
dependents bigint[];
failed bigint[];
woken bigint[];
all_failed integer := 0;
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
if dependents is null then
return 0;
end if;
perform from jobmaster.jobs where id = any (dependents) order by id for update;
loop
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
returning job.id
)
select array_agg(id) into failed from ended;
with ready as (
update jobmaster.jobs job
set status = 'waiting'
where job.id = any (dependents)
and job.status = 'blocked'
and not exists (
select
from jobmaster.blockers
join jobmaster.jobs blocker on blocker.id = blockers.blocker_id
where blockers.job_id = job.id and blocker.finished_at is null
)
returning job.id
)
select array_agg(id) into woken from ready;
delete from jobmaster.blockers where job_id = any (woken || failed);
exit when failed is null;
delete from jobmaster.job_keys where job_id = any (failed);
all_failed := all_failed + cardinality(failed);
finished := failed;
end loop;
return all_failed;
end
$fn$;

create or replace function jobmaster.write_keys(job_ids bigint[])
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
$fn$;
