-- How long a job backs off after so many failures: 5 seconds, doubled each time, an hour at most; and of that, at
-- random, between a half and the whole, so that what failed together does not come back together.
create or replace function jobmaster.retry_delay(failures integer)
returns interval
language sql volatile
as $fn$
  select least(interval '1 hour', interval '5 seconds' * power(2, least(failures, 20) - 1)) * (0.5 + random() / 2)
$fn$;
