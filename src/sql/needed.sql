-- The arguments that a dependency needs to have been completed, for a job with these arguments: one value a job needed.
-- rules: {"a": {"value": 1}, "b": {"same": "b"}, "c": {"same": "n", "op": "plus", "by": 1}, "d": {"options": [1, 2]}}
-- What the job has no value for is left out: see reckoned. freshness does the same for many jobs at once.
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
      else jobmaster.reckoned(args -> (rule.value ->> 'same'), rule.value ->> 'op', (rule.value ->> 'by')::numeric)
    end as value
  ) found;
  if choices is null then
    return next given;
  else
    return query select jobmaster.combinations(given, choices);
  end if;
end
$fn$;
