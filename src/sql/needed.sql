-- The arguments that a dependency needs to have been completed, for a job with these arguments: one value a job needed.
-- rules: {"a": {"value": 1}, "b": {"same": "b"}, "c": {"same": "n", "op": "plus", "by": 1}, "d": {"options": [1, 2]}}
-- What the job has no value for is left out. A number divided by nothing, or null, has no value.
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
