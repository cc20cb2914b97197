-- Why a value does not fit a JSON Schema: `must be a string, got number`, or null where it fits. Where it is a part that
-- does not fit, its place comes first: `[2].name must be a string, got null`.
-- Reads the keywords that deploy writes, and passes over others. It never refuses what Valibot accepts: numbers are
-- compared as JavaScript holds them, strings are as long as JavaScript finds them, and what is more than a hundred levels
-- deep passes. Raises nothing, reads no tables.
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
      -- JavaScript holds the double that is nearest.
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
    -- Beyond 2 to the power of 53 the double is not the number that its digits are.
    elsif number % (schema ->> 'multipleOf')::numeric <> 0 and abs(number) <= 9007199254740992 then
      return format('must be a multiple of %s, got %s', schema ->> 'multipleOf', jobmaster.shown(value));
    end if;

  elsif kind = 'string' then
    string := value #>> '{}';
    if schema ?| '{minLength,maxLength}' then
      size := char_length(string);
      if size <> octet_length(string) then
        -- JavaScript counts two for a character beyond the basic plane.
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
