-- Keeps what handlers said while they ran: [[job id, attempt, [value, message] or null, [[line, age, message], …]], …], ages
-- in milliseconds. Noted is what an attempt of the invocation says while it is the job's newest, ended or not; the rest is
-- passed over. Of an attempt the newest 200 lines are kept, and of a job those of its newest ten attempts. The same call
-- again keeps nothing twice: lines are numbered. Locks the rows of progress and log alone, which no other attempt has.
create or replace function jobmaster.note(notes jsonb, me uuid, moment timestamptz)
returns void
language plpgsql volatile
as $fn$
begin
  with noted as materialized (
    select job.id, job.attempt, given.value -> 2 as progress, given.value -> 3 as lines
    from jsonb_array_elements(notes) given
    join jobmaster.jobs job
      on job.id = (given.value ->> 0)::bigint
      and job.attempt = (given.value ->> 1)::integer
      and job.invocation = me
  ), told as (
    insert into jobmaster.progress as last (job_id, attempt, value, message, told_at)
    select id, attempt, (progress ->> 0)::double precision, progress ->> 1, moment
    from noted
    where progress <> 'null'
    order by id
    on conflict (job_id) do update
    set attempt = excluded.attempt,
      value = excluded.value,
      message = excluded.message,
      told_at = excluded.told_at
  )
  insert into jobmaster.log_lines (job_id, attempt, line, logged_at, message)
  select
    noted.id,
    noted.attempt,
    (line.value ->> 0)::integer,
    moment - (line.value ->> 1)::double precision * interval '1 millisecond',
    line.value ->> 2
  from noted
  cross join lateral jsonb_array_elements(noted.lines) line
  on conflict (job_id, attempt, line) do nothing;

  delete from jobmaster.log_lines
  using jsonb_array_elements(notes) given
  where log_lines.job_id = (given.value ->> 0)::bigint
    and (given.value -> 3 -> -1 ->> 0)::integer > 200
    and log_lines.attempt = (given.value ->> 1)::integer
    and log_lines.line <= (given.value -> 3 -> -1 ->> 0)::integer - 200;
  delete from jobmaster.log_lines
  using jsonb_array_elements(notes) given
  where log_lines.job_id = (given.value ->> 0)::bigint
    and (given.value ->> 1)::integer > 10
    and log_lines.attempt <= (given.value ->> 1)::integer - 10;
end
$fn$;
