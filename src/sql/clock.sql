-- The one clock of every function. A test replaces it.
create or replace function jobmaster.clock()
returns timestamptz
language sql volatile
as $fn$
  select clock_timestamp()
$fn$;
