-- Drops the functions whose parameters an earlier version named otherwise: beside today's, a call could mean both. Who was
-- granted one may call what took its place. And those that nothing calls any more. A part of deploying, called last.
create or replace function jobmaster.supersede()
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $fn$
declare
  one record;
  grantee oid;
begin
  for one in
    select former.oid::regprocedure as signature, former.proacl, present.oid::regprocedure as successor
    from pg_proc former
    join pg_proc present on present.pronamespace = former.pronamespace and present.proname = former.proname
    join pg_namespace place on place.oid = former.pronamespace
    where place.nspname = 'jobmaster'
      and (former.proname, oidvectortypes(former.proargtypes), oidvectortypes(present.proargtypes)) in (
        ('choose', 'integer[], integer[], integer[], integer[], bigint, integer, text, timestamp with time zone', 'integer[], integer[], integer[], integer[], bigint, integer, text, timestamp with time zone, bigint'),
        ('enqueue', 'text, text, jsonb, integer, timestamp with time zone', 'text, text, jsonb, integer, timestamp with time zone, text, text, double precision, double precision, bigint[], text'),
        ('enqueue', 'text, text, json, integer, timestamp with time zone', 'text, text, json, integer, timestamp with time zone, text, text, double precision, double precision, bigint[], text'),
        ('enqueue', 'text, text, text, integer, timestamp with time zone', 'text, text, text, integer, timestamp with time zone, text, text, double precision, double precision, bigint[], text'),
        ('enqueue', 'text, text, jsonb, integer, timestamp with time zone, text, text, double precision, double precision', 'text, text, jsonb, integer, timestamp with time zone, text, text, double precision, double precision, bigint[], text'),
        ('enqueue', 'text, text, json, integer, timestamp with time zone, text, text, double precision, double precision', 'text, text, json, integer, timestamp with time zone, text, text, double precision, double precision, bigint[], text'),
        ('enqueue', 'text, text, text, integer, timestamp with time zone, text, text, double precision, double precision', 'text, text, text, integer, timestamp with time zone, text, text, double precision, double precision, bigint[], text'),
        ('insert_dependency', 'integer, integer, jsonb, integer, timestamp with time zone', 'integer, integer, jsonb, integer, timestamp with time zone, bigint'),
        ('pause', 'text, text', 'text, text, text'),
        ('resume', 'text, text', 'text, text, text'),
        ('wake_dependents', 'bigint[]', 'bigint[], bigint[]'),
        ('set_paused', 'text, text, text, timestamp with time zone', 'text, text, text, text, timestamp with time zone')
      )
  loop
    for grantee in
      select acl.grantee from aclexplode(one.proacl) acl where acl.privilege_type = 'EXECUTE' and acl.grantee <> 0
    loop
      execute format('grant execute on function %s to %s', one.successor, grantee::regrole);
    end loop;
    execute format('drop function %s', one.signature);
  end loop;

  for one in
    select former.oid::regprocedure as signature
    from pg_proc former
    join pg_namespace place on place.oid = former.pronamespace
    where place.nspname = 'jobmaster' and (former.proname, oidvectortypes(former.proargtypes)) in (('met_dependencies', 'bigint[]'))
  loop
    execute format('drop function %s', one.signature);
  end loop;
end
$fn$;
