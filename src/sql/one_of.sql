-- A list of values as messages show it: `one of 1, 2, 3`, cut at 300 characters.
create or replace function jobmaster.one_of(options jsonb)
returns text
language sql immutable
as $fn$
  select
    case when count(*) > 1 then 'one of ' else '' end
      || case
        when sum(char_length(option::text) + 2) > 300
        then left(string_agg(jobmaster.shown(option), ', ' order by position), 299) || '…'
        else string_agg(jobmaster.shown(option), ', ' order by position)
      end
  from jsonb_array_elements(options) with ordinality listed (option, position)
$fn$;
