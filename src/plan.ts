import { sql } from 'drizzle-orm'
import { type Catalog, catalogOf, problemsFor } from './catalog.ts'
import { type Database, json, query } from './database.ts'
import { migrations } from './migrations/index.ts'
import { knownVersion, relationsOf } from './relations.ts'
import { schemaNameProblem } from './rename.ts'
import { nameOf } from './schedules.ts'
import { version } from './sql/index.ts'
import type { NamedTask } from './tasks.ts'

export interface DeployOptions {
  /** Drops the schema first, with every job in it. */
  reset?: boolean
}

/** What a deploy changes, or would change. */
export interface Plan {
  schema: string
  /** Nothing to do. */
  upToDate: boolean
  /** The schema is dropped first, and all that is in it. */
  reset: boolean
  /** Migrations of the tables that are applied. */
  migrations: string[]
  /** Migrations that are only recorded: somebody, drizzle-kit say, has made the same tables. */
  recorded: string[]
  /** The SQL functions are made or replaced. */
  functions: boolean
  tasks: { added: string[]; changed: ChangedTask[]; retired: string[]; unchanged: string[] }
  schedules: { added: string[]; changed: string[]; removed: string[]; unchanged: string[] }
  /** What deploys, and may surprise. */
  warnings: string[]
  /** Why it is refused. */
  problems: string[]
}

/** A task that is deployed otherwise than the code says. */
export interface ChangedTask {
  task: string
  /** The parts of its definition that change, named as columns of the table of tasks; `dependencies` among them. */
  what: string[]
  /** By part, as it is and as it will be. Dependencies are in neither. */
  from: Record<string, unknown>
  to: Record<string, unknown>
}

/** What is deployed, and where. */
export interface Deployment {
  db: Database
  schema: string
  /** Modules of tasks, by type key. */
  modules: Record<string, object>
  /** Process units of the system. */
  units: number
}

/** What deploying would change, without changing it. */
export async function plan(deployment: Deployment, { reset = false }: DeployOptions = {}): Promise<Plan> {
  return planFrom(deployment, await stateOf(deployment), reset)
}

/** What is in the database now. */
export interface State {
  schemaExists: boolean
  /** Our tables, views and sequences as they are: a line a column, index or constraint. */
  relations: string[]
  /** Names of migrations, the oldest first. */
  applied: string[]
  /** Hash of the functions, and of the catalog. */
  functions: string | null
  catalog: string | null
  tasks: DeployedTask[]
  /** Hashes of the schedules, by name. */
  schedules: Readonly<Record<string, string>>
  /** The database's clock, which ticks go by. */
  now: Date
}

interface DeployedTask {
  name: string
  hash: string
  retired: boolean
  /** The row, with its dependencies as the catalog writes them. */
  row: Record<string, unknown>
}

const nothing: State = {
  schemaExists: false,
  relations: [],
  applied: [],
  functions: null,
  catalog: null,
  tasks: [],
  schedules: {},
  now: new Date(0),
}

export async function stateOf({ db, schema }: Pick<Deployment, 'db' | 'schema'>): Promise<State> {
  // Such a name cannot be asked about, and planFrom refuses it.
  if (schemaNameProblem(schema).length > 0) return nothing
  const tables = sql.identifier(schema)
  const [row] = await query(
    db,
    sql`select exists (select from pg_namespace where nspname = ${schema}) as known, ${relationsOf(schema)} as relations, extract(epoch from clock_timestamp()) * 1000 as now`,
  )
  // What our own statements answer is of our own making.
  const relations = json(row?.relations) as string[]
  const now = new Date(Number(row?.now))
  const state: State = { ...nothing, schemaExists: row?.known === true, relations, now }
  if (!isOurs(state)) return state
  const [deployed] = await query(
    db,
    sql`
    select
      (select coalesce(jsonb_agg(name order by applied_at, name), '[]') from ${tables}.migrations) as applied,
      (select to_jsonb(meta) from ${tables}.meta) as meta,
      ${hasTable(state, 'schedules') ? sql`(select jsonb_object_agg(type_key || '.' || schedule_key, hash) from ${tables}.schedules)` : sql`null`} as schedules,
      (
        select coalesce(jsonb_agg(jsonb_build_object(
          'name', type_key || '.' || task_key,
          'hash', hash,
          'retired', retired_at is not null,
          'row', to_jsonb(task)
        ) order by type_key, task_key), '[]')
        from ${tables}.tasks task
      ) as tasks`,
  )
  const meta = json(deployed?.meta ?? null) as { functions: string; catalog: string } | null
  return {
    ...state,
    applied: json(deployed?.applied) as string[],
    functions: meta?.functions ?? null,
    catalog: meta?.catalog ?? null,
    tasks: json(deployed?.tasks) as DeployedTask[],
    schedules: (json(deployed?.schedules ?? null) ?? {}) as Record<string, string>,
    now: meta?.functions === versionIn(schema) ? await clockOf(db, schema) : now,
  }
}

/** The clock of the deployed functions, which a test may have replaced. */
async function clockOf(db: Database, schema: string): Promise<Date> {
  const [row] = await query(db, sql`select extract(epoch from ${sql.identifier(schema)}.clock()) * 1000 as now`)
  return new Date(Number(row?.now))
}

/** Of the functions there: their bodies name the schema, so in one that has been renamed they are not the ones it needs. */
export function versionIn(schema: string): string {
  return `${version} in ${schema}`
}

/** Whether the schema is JobMaster's, and not one where somebody has a table that happens to be called jobs. */
export function isOurs(state: State): boolean {
  return ['meta', 'migrations', 'tasks', 'jobs', 'job_keys'].every((table) => hasTable(state, table))
}

export function hasTable({ relations }: State, table: string): boolean {
  return relations.some((line) => line.startsWith(`${table}.`))
}

export async function planFrom(deployment: Deployment, state: State, reset: boolean): Promise<Plan> {
  const { db, modules, schema, units } = deployment
  const catalog = catalogOf(modules)
  const known = reset ? { ...nothing, schemaExists: state.schemaExists, now: state.now } : state
  const problems = [...schemaNameProblem(schema), ...problemsFor(catalog, units)]

  const newer = known.applied.filter((name) => !migrations.some((migration) => migration.name === name))
  if (newer.length > 0) {
    problems.push(
      `schema ${schema} was deployed by a newer jobmaster, which made the migration ${newer.at(-1)}: update the package, or use another schema`,
    )
  }
  if (reset && state.relations.length > 0 && !isOurs(state)) {
    problems.push(
      `schema ${schema} has tables that are not JobMaster's, and a reset would drop them: use another schema, or drop it yourself`,
    )
  }
  let recorded: string[] = []
  if (known.applied.length === 0 && known.relations.length > 0) {
    // Tables, and no record: whoever made them, drizzle-kit or a person, it was not deploy.
    const found = await knownVersion(db, known.relations)
    recorded = migrations.slice(0, found.version).map(({ name }) => name)
    problems.push(
      ...found.differences.map(
        (difference) =>
          `schema ${schema} has tables that deploy did not make, and they differ from JobMaster's: ${difference}`,
      ),
    )
  }
  const missing = migrations.map(({ name }) => name).filter((name) => !known.applied.includes(name))

  const live = new Map(known.tasks.filter(({ retired }) => !retired).map((task) => [task.name, task]))
  const functions = known.functions !== versionIn(schema)
  return {
    schema,
    reset: reset && isOurs(state),
    upToDate: !reset && missing.length === 0 && !functions && known.catalog === catalog.hash,
    migrations: missing.filter((name) => !recorded.includes(name)),
    recorded,
    functions,
    tasks: {
      added: catalog.tasks.filter(({ name }) => !live.has(name)).map(({ name }) => name),
      changed: catalog.tasks.flatMap((task) => {
        const deployed = live.get(task.name)
        return deployed && deployed.hash !== task.hash ? [changedTask(task, catalog, deployed)] : []
      }),
      retired: [...live.keys()].filter((name) => !catalog.byName.has(name)),
      unchanged: catalog.tasks.filter(({ name, hash }) => live.get(name)?.hash === hash).map(({ name }) => name),
    },
    schedules: plannedSchedules(catalog, known),
    warnings: [...catalog.warnings],
    problems,
  }
}

function plannedSchedules({ json: { schedules } }: Catalog, { schedules: deployed }: State): Plan['schedules'] {
  const given = new Map(schedules.map((schedule) => [nameOf(schedule), schedule.hash]))
  const names = [...given.keys()]
  return {
    added: names.filter((name) => !Object.hasOwn(deployed, name)),
    changed: names.filter((name) => Object.hasOwn(deployed, name) && deployed[name] !== given.get(name)),
    removed: Object.keys(deployed).filter((name) => !given.has(name)),
    unchanged: names.filter((name) => deployed[name] === given.get(name)),
  }
}

/** Which parts of a task's definition are not as they are deployed. */
function changedTask(task: NamedTask, catalog: Catalog, { row }: DeployedTask): ChangedTask {
  const given = catalog.json.tasks.find(
    ({ type_key, task_key }) => type_key === task.typeKey && task_key === task.taskKey,
  )
  const changed = Object.entries(given ?? {}).filter(
    ([part, value]) => part in row && part !== 'hash' && canonical(value) !== canonical(row[part]),
  )
  const parts = changed.map(([part]) => part)
  return {
    task: task.name,
    // Dependencies stand in a table of their own; where nothing else differs, it is they.
    what: parts.length > 0 ? parts : ['dependencies'],
    from: Object.fromEntries(parts.map((part) => [part, row[part]])),
    to: Object.fromEntries(changed),
  }
}

/** JSON with the keys of objects in order, as jsonb has lost theirs. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)))
      : part,
  )
}
