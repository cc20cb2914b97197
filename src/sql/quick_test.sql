-- What tells of most arguments, at a glance, that they fit a task's params: made once for many jobs, where check_arguments
-- reads the params for each. It never lets pass what check_arguments refuses; what it does not let pass may fit all the
-- same. path is null where a task's params do not lend themselves to it.
-- path: matches arguments that fit, but for those in asked and for unknown names. names: all that there are. closed: no
-- argument can hold others. asked: the params that a path cannot say, which are left to check_value; fewest and most are
-- set where a string fits that has so many characters and so many bytes.
-- Names and values stand in the path as JSON strings. Raises nothing, reads no tables.
create or replace function jobmaster.quick_test(
  params jsonb, out path jsonpath, out names text[], out closed boolean, out asked text[],
  out schemas jsonb[], out fewest integer[], out most integer[]
)
language plpgsql immutable
as $fn$
declare
  -- What check_value passes over.
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
  -- Each number may be as long as 16,700 characters: what is closed and of 8,000 bytes is far from 1 MB of text.
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
          -- What is no number is neither above nor below one.
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

    -- A path has no word for the length of a string.
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
      -- Of what is there, it is known whether it is null.
      tests := tests || case when param.required then test else format('(((%s == null) is unknown) || %s)', place, test) end;
    elsif param.required then
      tests := tests || format('(%s.type() != "")', place);
    end if;
  end loop;
  -- Only an object has what is required.
  if not params @> '[{"required": true}]' then
    tests := array_prepend('$.type() == "object"', tests);
  end if;
  path := ('strict ' || array_to_string(tests, ' && '))::jsonpath;
exception
  -- A pattern that is too much for one, or a length that is no whole number.
  when others then
    path := null;
end
$fn$;
