import { type SQL, sql } from 'drizzle-orm'
import { catalogOf } from './catalog.ts'
import { transact } from './database.ts'
import { JobMasterError } from './errors.ts'
import { migrations } from './migrations/index.ts'
import {
  type DeployOptions,
  type Deployment,
  hasTable,
  isOurs,
  type Plan,
  planFrom,
  type State,
  stateOf,
  versionIn,
} from './plan.ts'
import { relationsOf } from './relations.ts'
import { inSchema } from './rename.ts'
import { cronReaderOf } from './schedule.ts'
import { functions } from './sql/index.ts'

/**
 * Brings the database to what the code says: tables by migration, functions by replacement, the catalog by comparison;
 * all or nothing, under the lock that claims take. Twice in a row changes nothing. Returns what it changed.
 * @throws JobMasterError JM014 with every problem listed, before anything is changed.
 */
export async function deploy(deployment: Deployment, { reset = false }: DeployOptions = {}): Promise<Plan> {
  for (let attempt = 1; ; attempt += 1) {
    const state = await stateOf(deployment)
    const planned = await planFrom(deployment, state, reset)
    if (planned.problems.length > 0) throw refusal(planned.problems)
    if (attempt === 1) for (const warning of planned.warnings) console.warn(`jobmaster: ${warning}`)
    if (planned.upToDate) return planned
    try {
      await transact(deployment.db, statementsFor(deployment, state, planned))
      return planned
    } catch (error) {
      // Another deploy came between the look and the lock, or crossed a drain: look again.
      const raced = error instanceof JobMasterError && ['22012', '40P01', '40001'].includes(error.code)
      if (!raced || attempt === 5) throw error
    }
  }
}

/**
 * Adds functions and catalog where somebody has made the tables alone, and says what was there: `tables`, which are
 * finished now, `nothing`, or `everything` already.
 */
export async function finishPush(deployment: Deployment): Promise<'tables' | 'nothing' | 'everything'> {
  const { relations, catalog } = await stateOf(deployment)
  if (catalog !== null) return 'everything'
  if (relations.length === 0) return 'nothing'
  await deploy(deployment)
  return 'tables'
}

function refusal(problems: readonly string[]): JobMasterError {
  return new JobMasterError('JM014', `deploy refused:\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
}

function statementsFor({ schema, modules }: Deployment, state: State, planned: Plan): SQL[] {
  const quoted = sql.identifier(schema)
  const isNew = planned.reset || !state.schemaExists
  const all = migrations.filter(({ name }) => planned.migrations.includes(name) || planned.recorded.includes(name))
  const { schedules, ...catalog } = catalogOf(modules).json
  const reader = cronReaderOf(modules)
  const withTicks = schedules.map((one) => ({ ...one, ticks: reader?.comingTicks(one, state.now) }))
  return [
    // A claim locks the rows of schedules that are due, and then waits for the lock.
    ...(hasTable(state, 'schedules') ? [sql`select id from ${quoted}.schedules order by id for update`] : []),
    sql`select pg_advisory_xact_lock(hashtextextended(${schema}, 0))`,
    // A batch has no conditions: a division, by nothing when this is no longer what the plan was made from.
    sql`select 1 / (md5(${relationsOf(schema)}::text) = md5(${JSON.stringify(state.relations)}::text::jsonb::text))::integer`,
    ...(isOurs(state) ? [sql`select 1 / (${recordIn(schema)} = ${record(state)}::text::jsonb)::integer`] : []),
    ...(planned.reset ? [sql`drop schema ${quoted} cascade`] : []),
    // A role may own the schema it was given and have no right to make one.
    ...(isNew ? [sql`create schema ${quoted}`] : []),
    ...migrations
      .filter(({ name }) => planned.migrations.includes(name))
      .flatMap(({ statements }) => statements)
      .filter((statement) => !/^create schema/i.test(statement))
      .map((statement) => sql.raw(inSchema(statement, schema))),
    ...all.map(
      ({ name, hash }) =>
        sql`insert into ${quoted}.migrations (name, hash, applied_at) values (${name}, ${hash}, clock_timestamp())`,
    ),
    ...(planned.functions ? functionsIn(schema) : []),
    sql`select ${quoted}.deploy_catalog(${JSON.stringify({ ...catalog, schedules: withTicks })}::text::jsonb, ${versionIn(schema)})`,
  ]
}

/** What is recorded as deployed: where tables were pushed, it is all that tells a finished deploy from one to come. */
function recordIn(schema: string): SQL {
  const tables = sql.identifier(schema)
  return sql`jsonb_build_array(
    (select coalesce(jsonb_agg(name order by name collate "C"), '[]') from ${tables}.migrations),
    (select functions from ${tables}.meta),
    (select catalog from ${tables}.meta)
  )`
}

function record({ applied, functions, catalog }: State): string {
  return JSON.stringify([applied.toSorted(), functions, catalog])
}

/**
 * One statement a function or overload: the extended protocol, all that HTTP has, takes one at a time. Postgres lets
 * everybody call a new function; here only the owner may, and whom the owner lets. What was granted stays.
 */
function functionsIn(schema: string): SQL[] {
  const quoted = sql.identifier(schema)
  return [
    ...functions
      .flatMap((file) => file.sql.split(/(?<=\$fn\$;)\s*/))
      .filter(Boolean)
      .map((statement) => sql.raw(inSchema(statement, schema))),
    sql`select ${quoted}.supersede()`,
    // Each version of a job has an entry there, which is soon gone: to pack them costs more than it saves. No migration, as
    // drizzle-kit has no word for it on a primary key.
    sql`alter index ${quoted}.jobs_pkey set (deduplicate_items = off)`,
    sql`revoke execute on all routines in schema ${quoted} from public`,
    // It has its caller's rights, and calls what is granted.
    sql`grant execute on procedure ${quoted}.settle_and_claim(jsonb, text) to public`,
  ]
}
