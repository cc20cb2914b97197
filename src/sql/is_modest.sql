-- Whether arguments are neither too long nor too deep, and have no number that does not fit 64 bits: what check_arguments
-- looks at before their params.
create or replace function jobmaster.is_modest(args jsonb)
returns boolean
language sql immutable
as $fn$
  select case
    when octet_length(args::text) <= 300 then true
    when octet_length(args::text) > 1048576 then false
    else not jsonb_path_exists(args, '$.**{501}')
      and not jsonb_path_exists(args, '$.** ? (@.type() == "number" && (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308))')
  end
$fn$;
