-- A value as messages show it: its JSON, cut at 100 characters.
create or replace function jobmaster.shown(value jsonb)
returns text
language sql immutable
as $fn$
  select case when char_length(value::text) > 100 then left(value::text, 99) || '…' else value::text end
$fn$;
