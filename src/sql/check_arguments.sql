-- Checks a job's arguments against its task's params.
-- complete: the arguments with the defaults of those not given; expands: some argument is "ALL"; code and problem: the
-- SQLSTATE and the sentence for the first thing that is wrong, null where nothing is; argument: the one that it is wrong
-- with. It looks at the kind of args, their size and depth, unknown names, and then at each param in the order declared.
-- Raises nothing: a claim that inserts a dependency goes on where this finds a problem. Reads no tables.
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
  -- What neither JSON.stringify nor a double takes, wherever it stands: short arguments have room for neither.
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
$fn$;
