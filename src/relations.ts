import { type SQL, sql } from 'drizzle-orm'
import { type Database, json, transact } from './database.ts'
import { migrations } from './migrations/index.ts'
import { inSchema } from './rename.ts'

/** What the migrations made. The tables are defined once more in schema.ts, which an invocation need not bring. */
const ourNames = migrations
  .flatMap(({ statements }) => statements)
  .flatMap((statement) => /^CREATE (?:TABLE|VIEW) "jobmaster"\."(\w+)"/.exec(statement)?.[1] ?? [])

/**
 * An expression for JobMaster's tables, views and sequences in a schema, as they are: a jsonb array with a line for each
 * column, index, constraint and sequence. What Postgres versions show differently is left out, and how an index is stored.
 */
export function relationsOf(schema: string): SQL {
  const ours = sql`relation.relname in ${ourNames}`
  return sql`(
    select coalesce(jsonb_agg(line order by line), '[]')
    from (
      select relation.relname || '.' || attribute.attname || ' ' || format_type(attribute.atttypid, attribute.atttypmod)
        || case when attribute.attnotnull then ' not null' else '' end
        || case when attribute.attidentity <> '' then ' identity' else '' end
        || case when attribute.attgenerated <> '' then ' generated' else '' end
        || coalesce(' ' || pg_get_expr(fallback.adbin, fallback.adrelid), '') as line
      from pg_class relation
      join pg_namespace namespace on namespace.oid = relation.relnamespace
      join pg_attribute attribute on attribute.attrelid = relation.oid and attribute.attnum > 0 and not attribute.attisdropped
      left join pg_attrdef fallback on fallback.adrelid = relation.oid and fallback.adnum = attribute.attnum
      where namespace.nspname = ${schema} and relation.relkind in ('r', 'v') and ${ours}
      union all
      select relation.relname || ': '
        || regexp_replace(replace(pg_get_indexdef(entry.indexrelid), quote_ident(${schema}) || '.', ''), ' WITH \\(.*?\\)', '')
      from pg_class relation
      join pg_namespace namespace on namespace.oid = relation.relnamespace
      join pg_index entry on entry.indrelid = relation.oid
      where namespace.nspname = ${schema} and ${ours}
      union all
      select relation.relname || ': ' || pg_constraint.conname || ' ' || pg_get_constraintdef(pg_constraint.oid)
      from pg_class relation
      join pg_namespace namespace on namespace.oid = relation.relnamespace
      join pg_constraint on pg_constraint.conrelid = relation.oid and pg_constraint.contype in ('c', 'f', 'p', 'u')
      where namespace.nspname = ${schema} and ${ours}
      union all
      select relation.relname || ' with ' || array_to_string(relation.reloptions, ', ')
      from pg_class relation
      join pg_namespace namespace on namespace.oid = relation.relnamespace
      where namespace.nspname = ${schema} and relation.relkind = 'v' and relation.reloptions is not null and ${ours}
      union all
      select 'sequence ' || relation.relname
      from pg_class relation
      join pg_namespace namespace on namespace.oid = relation.relnamespace
      where namespace.nspname = ${schema} and relation.relkind = 'S' and relation.relname = 'claims'
    ) lines
  )`
}

/**
 * How many of the migrations these relations are the work of, and where none of them, how they differ from the newest.
 * Found by running the migrations in a schema that is dropped in the same transaction, so that what is compared was
 * shown by the same Postgres.
 */
export async function knownVersion(
  db: Database,
  relations: readonly string[],
): Promise<{ version: number; differences: string[] }> {
  let newest: string[] = []
  for (let version = migrations.length; version > 0; version -= 1) {
    const made = await relationsAfter(db, version)
    if (JSON.stringify(made) === JSON.stringify(relations)) return { version, differences: [] }
    if (version === migrations.length) newest = made
  }
  return {
    version: 0,
    differences: [
      ...newest.filter((line) => !relations.includes(line)).map((line) => `it lacks ${line}`),
      ...relations.filter((line) => !newest.includes(line)).map((line) => `it has ${line}`),
    ],
  }
}

async function relationsAfter(db: Database, version: number): Promise<string[]> {
  const scratch = `jobmaster_check_${crypto.randomUUID().slice(0, 8)}`
  const results = await transact(db, [
    sql`create schema ${sql.identifier(scratch)}`,
    ...migrations
      .slice(0, version)
      .flatMap(({ statements }) => statements)
      .filter((statement) => !/^create schema/i.test(statement))
      .map((statement) => sql.raw(inSchema(statement, scratch))),
    sql`select ${relationsOf(scratch)} as relations`,
    sql`drop schema ${sql.identifier(scratch)} cascade`,
  ])
  return json(results.at(-2)?.[0]?.relations) as string[]
}
