-- Which option of a job is beyond what is taken: 'priority', 'runAt', or null where none is.
create or replace function jobmaster.out_of_bounds(priority numeric, run_at timestamptz)
returns text
language sql immutable
as $fn$
  select case
    when priority not between -1000000000 and 1000000000 or priority % 1 <> 0 then 'priority'
    -- Infinity, and years that other languages do not read, would stand in the way of every claim.
    when run_at not between timestamptz '0001-01-01 00:00:00Z' and timestamptz '9999-12-31 00:00:00Z' then 'runAt'
  end
$fn$;
