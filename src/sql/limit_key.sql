-- What a job is counted under where a limit of its task is by arguments: the hash of those that it names. Null where none
-- is. Two values with one hash would share a limit, which is then kept more strictly, never less.
create or replace function jobmaster.limit_key(per text[], args jsonb)
returns bigint
language sql immutable
as $fn$
  select case when per is not null then jsonb_hash_extended(jobmaster.shape_key(per, args), 0) end
$fn$;
