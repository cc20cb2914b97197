-- `1 item`, `2 items`
create or replace function jobmaster.counted(number text, noun text)
returns text
language sql immutable
as $fn$
  select number || ' ' || noun || case number when '1' then '' else 's' end
$fn$;
