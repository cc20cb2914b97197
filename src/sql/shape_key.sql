-- The arguments of those names, as one value to compare: what a dependency looks at.
-- An argument that a job does not have is left out, so absent equals absent.
create or replace function jobmaster.shape_key(names text[], args jsonb)
returns jsonb
language sql immutable
as $fn$
  select coalesce(jsonb_object_agg(name, args -> name), '{}')
  from unnest(names) name
  where args ? name
$fn$;
