-- Each way to choose one value for every name in choices ({"b": [1, 2]}), written over args, in the choices' order.
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
