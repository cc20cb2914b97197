-- Makes one row of those that tally added for the same minute, task and outcome, and one of all that is older than a day.
-- A bounded number at once. Sums stay what they are, also when two do it at once: rows that somebody has are passed over.
create or replace function jobmaster.merge_tallies(moment timestamptz)
returns void
language plpgsql volatile
as $fn$
begin
  if exists (select from jobmaster.tallies where not merged and minute < moment - interval '2 minutes') then
    with added as (
      delete from jobmaster.tallies
      where ctid = any (array(
        select ctid
        from jobmaster.tallies
        where not merged and minute < moment - interval '2 minutes'
        order by minute
        limit 5000
        for update skip locked
      ))
      returning minute, task_id, outcome, jobs
    )
    insert into jobmaster.tallies (merged, minute, task_id, outcome, jobs)
    select true, minute, task_id, outcome, sum(jobs)
    from added
    group by minute, task_id, outcome;
  end if;

  if exists (
    select from jobmaster.tallies where merged and minute > '-infinity' and minute < moment - interval '1 day'
  ) then
    with old as (
      delete from jobmaster.tallies
      where ctid = any (array(
        select ctid
        from jobmaster.tallies
        where merged and minute < moment - interval '1 day'
        order by minute
        limit 5000
        for update skip locked
      ))
      returning task_id, outcome, jobs
    )
    insert into jobmaster.tallies (merged, minute, task_id, outcome, jobs)
    select true, '-infinity', task_id, outcome, sum(jobs)
    from old
    group by task_id, outcome;
  end if;
end
$fn$;
