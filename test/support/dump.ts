import type { Sql } from './sql.ts'

/**
 * What a schema holds apart from its functions, its rows and how indexes are stored, a line for each thing, sorted. (The test
 * servers have no pg_dump.) The schema's own name is written as `$schema`, so that two schemas can be compared.
 */
export async function dumpSchema(sql: Sql, schema: string): Promise<string[]> {
  const rows = await sql<{ line: string }>`
    with relations as (
      select pg_class.oid, relname, relkind
      from pg_class
      where relnamespace = (select oid from pg_namespace where nspname = ${schema})
    )
    select format('%s %s', case relkind when 'r' then 'table' when 'v' then 'view' when 'S' then 'sequence' else relkind::text end, relname) as line
    from relations
    where relkind <> 'i'
    union all
    select format(
      'column %s.%s %s%s default %s identity %s generated %s at %s',
      relname, attname, format_type(atttypid, atttypmod), case when attnotnull then ' not null' else '' end,
      pg_get_expr(adbin, adrelid), nullif(attidentity, ''), nullif(attgenerated, ''), attnum
    )
    from relations
    join pg_attribute on attrelid = relations.oid and attnum > 0 and not attisdropped
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where relkind in ('r', 'v')
    union all
    select format('constraint %s.%s %s', relname, conname, pg_get_constraintdef(pg_constraint.oid))
    from relations
    join pg_constraint on conrelid = relations.oid
    where contype <> 'n'
    union all
    select format('index %s', regexp_replace(pg_get_indexdef(oid), ' WITH \\(.*?\\)', '')) from relations where relkind = 'i'
    union all
    select format('view %s %s', relname, pg_get_viewdef(oid)) from relations where relkind = 'v'
    union all
    select format(
      'sequence %s as %s from %s to %s start %s by %s cache %s cycle %s',
      sequencename, data_type, min_value, max_value, start_value, increment_by, cache_size, cycle
    )
    from pg_sequences
    where schemaname = ${schema}`
  // Sorted here: the order of the database is a matter of its collation.
  return rows.map(({ line }) => line.replaceAll(`${schema}.`, '$schema.').replace(/\s+/g, ' ')).toSorted()
}
