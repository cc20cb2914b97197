import { sql as query } from 'drizzle-orm'
import { createJobMaster, dependsOn, same, task } from 'jobmaster'
import * as v from 'valibot'
import { describe, expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { connect } from '../support/drivers.ts'
import { setup } from '../support/jobs.ts'
import { type Sql, sqlAt } from '../support/sql.ts'
import { documented, makeRole, type RoleName } from './roles.ts'

// Each role connects with its password to a real Postgres; what it may is what docs/security.md grants it.

const foo = task({ params: { b: v.picklist([1, 2]) }, writeAll: ['b'], run: ({ b }) => b })
const bar = task({
  params: { b: v.picklist([1, 2]) },
  dependencies: dependsOn(foo, { withinHours: 1, args: { b: same } }),
  run: (_, ctx) => ctx.dependencies.of(foo).map(({ result }) => result),
})
const keeper = task({ params: { secret: v.string() }, run: () => null })
const cool = { foo, bar, keeper }

const may: Record<RoleName, { functions: string[]; relations: string[] }> = {
  jobs_insert: { functions: ['enqueue', 'insert_job', 'insert_jobs'], relations: ['queue'] },
  jobs_drain: { functions: ['settle_and_claim'], relations: [] },
  jobs_app: { functions: [], relations: [] },
}
const roles = ['jobs_insert', 'jobs_drain'] as const
const drivers = ['node-postgres', 'neon-http'] as const

type Made = Awaited<ReturnType<typeof setup<{ cool: typeof cool }>>>

describe.each(roles)('the role %s', (role) => {
  test.each(drivers)(
    'may do nothing with a table, a sequence or a function that is not granted, over %s',
    async (over) => {
      const made = await setup({ cool })
      const { run } = await as(made, role, over)
      const denied = { code: '42501' }
      const relations = await relationsOf(made.sql)
      expect(relations.length).toBeGreaterThan(10)
      for (const { name, kind, column } of relations) {
        const readable = may[role].relations.includes(name)
        if (kind === 'sequence') {
          for (const call of ['nextval', 'currval', 'setval']) {
            const more = call === 'setval' ? ', 1' : ''
            await expect(run(`select ${call}('jobmaster.${name}'${more})`), `${call} ${name}`).rejects.toMatchObject(
              denied,
            )
          }
          await expect(run(`select * from jobmaster.${name}`), name).rejects.toMatchObject(denied)
          continue
        }
        if (readable) await run(`select * from jobmaster.${name}`)
        else await expect(run(`select ${column} from jobmaster.${name}`), name).rejects.toMatchObject(denied)
        for (const statement of [
          `insert into jobmaster.${name} default values`,
          `update jobmaster.${name} set ${column} = default`,
          `delete from jobmaster.${name}`,
          ...(kind === 'table'
            ? [`truncate jobmaster.${name}`, `do $$ begin lock table jobmaster.${name}; end $$`]
            : []),
        ]) {
          // The view cannot be written at all.
          await expect(run(statement), statement).rejects.toMatchObject(kind === 'view' ? { code: '55000' } : denied)
        }
      }
      const functions = await functionsOf(made.sql)
      expect(functions.length).toBeGreaterThan(30)
      for (const { name, call } of functions) {
        const outcome = await run(call).then(
          () => 'called',
          (error: { code: string }) => error.code,
        )
        if (may[role].functions.includes(name)) expect(outcome, call).not.toBe('42501')
        else expect(outcome, call).toBe('42501')
      }
      for (const name of may[role].functions) expect(functions).toContainEqual(expect.objectContaining({ name }))
    },
  )

  test('makes, changes and drops nothing, becomes nobody else, and reads no file', async () => {
    const made = await setup({ cool })
    const { run } = await as(made, role, 'node-postgres')
    const before = await rights(made.sql)
    for (const statement of [
      'create table jobmaster.mine (id integer)',
      'create function jobmaster.mine() returns integer language sql as $$ select 1 $$',
      'create or replace function jobmaster.clock() returns timestamptz language sql as $$ select now() $$',
      'create or replace view jobmaster.queue as select 1 as id',
      'create type jobmaster.mine as enum ()',
      'create sequence jobmaster.mine',
      'create table public.mine (id integer)',
      'create schema mine',
      'create trigger mine after insert on jobmaster.jobs execute function pg_catalog.suppress_redundant_updates_trigger()',
      'create index on jobmaster.jobs (id)',
      'create view pg_temp.mine as select * from jobmaster.jobs; select * from pg_temp.mine',
      'alter function jobmaster.settle_and_claim(jsonb) security invoker',
      'alter function jobmaster.settle_and_claim(jsonb) reset search_path',
      'alter table jobmaster.jobs disable row level security',
      'alter view jobmaster.queue reset (security_barrier)',
      'alter schema jobmaster rename to mine',
      'alter schema jobmaster owner to current_user',
      'alter default privileges in schema jobmaster for role postgres grant select on tables to current_user',
      'drop schema jobmaster cascade',
      'drop function jobmaster.clock()',
      'drop table jobmaster.jobs',
      'grant select on jobmaster.jobs to current_user',
      'grant execute on function jobmaster.clock() to public',
      'grant postgres to current_user',
      'alter role current_user superuser',
      'create role mine',
      'set role postgres',
      'set session authorization postgres',
      "set session_replication_role = 'replica'",
      "copy (select 1) to program 'true'",
      "copy jobmaster.jobs to '/tmp/mine'",
      "select pg_read_file('/etc/passwd')",
      "select lo_import('/etc/passwd')",
      'select * from pg_authid',
      'create extension dblink',
      'comment on table jobmaster.jobs is null',
    ]) {
      await expect(run(statement), statement).rejects.toMatchObject({ code: '42501' })
    }
    expect(await rights(made.sql)).toEqual(before)
  })

  test('gains nothing by a search path with functions, operators and tables of its own', async () => {
    const made = await setup({ cool })
    const { client, run, user } = await as(made, role, 'node-postgres')
    await made.sql(`create schema evil authorization ${user}`)
    await client.query(traps)
    for (const path of ['evil, pg_catalog', 'pg_temp, evil, pg_catalog', 'evil, pg_catalog, jobmaster, pg_temp']) {
      await client.query(`set search_path = ${path}`)
      await client.query(`create temporary table if not exists jobs (like pg_catalog.pg_class)`)
      await client.query(`create temporary table if not exists tasks (like pg_catalog.pg_class)`)
      await client.query(
        `create or replace function pg_temp.clock() returns timestamptz language plpgsql as $$ begin raise 'trapped'; end $$`,
      )
      // The traps are set: where the caller's path counts, they are what is called.
      await expect(run(`select '{}'::jsonb = '{}'::jsonb`)).rejects.toThrow(`trapped as ${user}`)
      for (const call of granted[role]) await run(call)
    }
    expect(await made.sql`select count(*) as jobs from jobmaster.jobs`).toEqual([
      { jobs: role === 'jobs_insert' ? 15 : 0 },
    ])
  })
})

test('without the search path that is set on a function the traps of its caller would be sprung as its owner', async () => {
  const made = await setup({ cool })
  const { client, run, user } = await as(made, 'jobs_drain', 'node-postgres')
  await made.sql(`create schema evil authorization ${user}`)
  await client.query(traps)
  await made.sql('alter function jobmaster.settle_and_claim(jsonb) reset search_path')
  await client.query('set search_path = evil, pg_catalog')
  await expect(run(granted.jobs_drain[0]!)).rejects.toThrow('trapped as postgres')
})

test("a function that is called with its owner's rights has its own search path, pg_temp last; nobody else may call the rest, but for what has its caller's rights", async () => {
  const { sql } = await setup({ cool })
  const functions = await sql`
    select proname as name, prosecdef as definer, proconfig as settings, has_function_privilege('public', oid, 'execute') as open
    from pg_proc
    where pronamespace = 'jobmaster'::regnamespace`
  // It calls the function of that name, which only those may call who are granted it.
  expect(functions.filter(({ open }) => open)).toEqual([
    { name: 'settle_and_claim', definer: false, settings: null, open: true },
  ])
  const definers = functions.filter(({ definer }) => definer)
  for (const { name, settings } of definers) expect(settings, name).toContain('search_path=pg_catalog, pg_temp')
  expect(definers.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['enqueue', 'insert_job', 'insert_jobs', 'settle_and_claim', 'cancel', 'retry', 'explain']),
  )
})

describe.each(drivers)('over %s', (over) => {
  test('jobs_insert inserts by every way in, is told what is wrong, and reads the queue', async () => {
    const made = await setup({ cool })
    const { jobs, run } = await as(made, 'jobs_insert', over)
    await run(`call jobmaster.insert_job('cool', 'foo', 10, '{"b": 1}'::json)`)
    await run(`call jobmaster.insert_job('cool', 'foo', 10, '{"b": 1}')`)
    await run(`select jobmaster.enqueue('cool', 'bar', '{"b": 2}', priority => 3)`)
    await jobs.insert(foo, { b: 'ALL' })
    await jobs.insertMany([
      { task: foo, args: { b: 2 } },
      { task: 'cool.bar', args: { b: 1 } },
    ])
    expect(await run('select task, priority from jobmaster.queue')).toHaveLength(6)
    await expect(run(`call jobmaster.insert_job('cool', 'foo', 10, '{"b": 3}')`)).rejects.toMatchObject({
      code: 'JM004',
    })
    await expect(jobs.insert('cool.fooo', {})).rejects.toMatchObject({ code: 'JM001' })
    expect((await made.jobs.runUntilEmpty(deadlineIn())).failed).toBe(0)
  })

  test('jobs_insert inserts groups and what waits for them, and cannot read them', async () => {
    const made = await setup({ cool })
    const { jobs } = await as(made, 'jobs_insert', over)
    const { group } = await jobs.insertMany([{ task: foo, args: { b: 1 } }], {
      group: { onComplete: { task: foo, args: { b: 2 } } },
    })
    const waits = await jobs.insert(foo, { b: 2 }, { after: group.id })
    expect(waits.status).toBe('blocked')
    await expect(jobs.group(group.id)).rejects.toMatchObject({ code: '42501' })
    expect((await made.jobs.runUntilEmpty(deadlineIn())).completed).toBe(3)
    const { jobs: app } = await as(made, 'jobs_app', over)
    expect(await app.group(group.id)).toMatchObject({ status: 'completed', total: 1 })
  })

  test('jobs_insert cannot run, read, end or change a job', async () => {
    const made = await setup({ cool })
    const { jobs } = await as(made, 'jobs_insert', over)
    const { id } = await jobs.insert(foo, { b: 1 })
    const denied = { name: 'JobMasterError', code: '42501', message: expect.stringContaining('docs/security.md') }
    await expect(jobs.runUntilEmpty(deadlineIn())).rejects.toMatchObject(denied)
    for (const refused of [
      () => jobs.get(id),
      () => jobs.list(),
      () => jobs.status(),
      () => jobs.explain(id),
      () => jobs.retry(id),
      () => jobs.cancel(id),
      () => jobs.prune({ completed: '1 day' }),
      () => jobs.tasks(),
      () => jobs.graph(),
      () => jobs.deploy(),
      () => jobs.deploy({ reset: true }),
      () => jobs.recordSignature('x', new Date()),
      () => jobs.room(1),
    ]) {
      await expect(refused(), String(refused)).rejects.toMatchObject(denied)
    }
    expect(await made.jobs.get(id)).toMatchObject({ status: 'waiting', attempt: 0 })
  })

  test('jobs_drain runs what is there, dependencies and ALL included, and its handlers see no table', async () => {
    const seen: unknown[] = []
    const spy = task({
      params: {},
      run: (_, ctx) =>
        (ctx.db as unknown as Made['db']).execute(query`select * from jobmaster.jobs`).then(
          () => seen.push('rows'),
          (error: { cause?: { code?: string } }) => seen.push(error.cause?.code),
        ),
    })
    const made = await setup({ cool: { ...cool, spy } })
    await made.jobs.insertMany([
      { task: bar, args: { b: 2 } },
      { task: foo, args: { b: 'ALL' } },
      { task: spy, args: {} },
    ])
    const { jobs } = await as(made, 'jobs_drain', over, { cool: { ...cool, spy } })
    expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({
      completed: 4,
      expanded: 1,
      failed: 0,
      stopReason: 'empty',
    })
    expect(seen).toEqual(['42501'])
    await expect(jobs.insert(foo, { b: 1 })).rejects.toMatchObject({ code: '42501' })
    await expect(jobs.get(1)).rejects.toMatchObject({ code: '42501' })
    await expect(jobs.deploy()).rejects.toMatchObject({ code: '42501' })
  })

  test('jobs_app does all but deploying, and writes no table itself', async () => {
    const made = await setup({ cool })
    const { jobs, run } = await as(made, 'jobs_app', over)
    const { id } = await jobs.insert(bar, { b: 1 })
    expect(await jobs.explain(id)).toContain('is waiting')
    expect((await jobs.cancel(id)).status).toBe('cancelled')
    expect((await jobs.retry(id)).status).toBe('waiting')
    expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(2)
    expect((await jobs.list()).jobs).toHaveLength(2)
    expect((await jobs.status()).jobs.completed).toBe(2)
    expect(await jobs.prune({ completed: '0 seconds' })).toBe(2)
    expect((await jobs.plan()).upToDate).toBe(true)
    for (const statement of [
      `update jobmaster.jobs set priority = 1`,
      `delete from jobmaster.completions`,
      `insert into jobmaster.signatures values ('x', now())`,
      `select jobmaster.note_system('x', 1)`,
      `select jobmaster.take_back(now())`,
      `select jobmaster.deploy_catalog('{"tasks": []}', 'x')`,
      `create or replace function jobmaster.clock() returns timestamptz language sql as $$ select now() $$`,
    ]) {
      await expect(run(statement), statement).rejects.toMatchObject({ code: '42501' })
    }
    const other = createJobMaster({ db: (await open(made, 'jobs_app', over)).db, tasks: { cool: { foo } } })
    await expect(other.deploy()).rejects.toMatchObject({ code: '42501' })
    expect(await made.jobs.plan()).toMatchObject({ upToDate: true })
  })
})

test('what is granted stays through a deploy that replaces every function and changes the catalog', async () => {
  const made = await setup({ cool })
  const inserting = await as(made, 'jobs_insert', 'node-postgres')
  const draining = await as(made, 'jobs_drain', 'node-postgres')
  await made.sql`update jobmaster.meta set functions = 'those of an older version'`
  const changed = createJobMaster({ db: made.db, tasks: { cool: { foo, keeper } } })
  expect(await changed.deploy()).toMatchObject({ functions: true, tasks: { retired: ['cool.bar'] } })
  await inserting.jobs.insert(foo, { b: 1 })
  expect((await draining.jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
  await expect(draining.run('select jobmaster.clock()')).rejects.toMatchObject({ code: '42501' })
})

test('the grants can be run again', async () => {
  const made = await setup({ cool })
  const { user, run } = await as(made, 'jobs_insert', 'node-postgres')
  const again = documented('jobs_insert')
    .replaceAll('jobs_insert', user)
    .replace(/create role .*\n/, '')
  await made.sql(again)
  await run(`call jobmaster.insert_job('cool', 'foo', 10, '{"b": 1}')`)
})

test("a role that reads the queue learns nothing of finished jobs, nor by a condition that is tried before the view's", async () => {
  const made = await setup({ cool })
  await made.jobs.insert(keeper, { secret: 'finished-and-gone' })
  await made.jobs.runUntilEmpty(deadlineIn())
  await made.jobs.insert(keeper, { secret: 'still there' }, { priority: -1 })
  const { client, run, user } = await as(made, 'jobs_insert', 'node-postgres')
  await made.sql(`create schema evil authorization ${user}`)
  await client.query(`
    create function evil.overhears(args jsonb) returns boolean language plpgsql immutable cost 0.0001 as $$
    begin
      if args ->> 'secret' = 'finished-and-gone' then raise 'overheard'; end if;
      return true;
    end $$`)
  const listening = 'select args from jobmaster.queue where evil.overhears(args)'
  expect(await run(listening)).toEqual([{ args: { secret: 'still there' } }])
  // Not by chance: where the view is no barrier, the condition is tried beside the view's own.
  const plan = async () => (await client.query(`explain ${listening}`)).rows.map((row) => row['QUERY PLAN']).join('\n')
  expect(await plan()).toMatch(/^Subquery Scan on queue.*\n +Filter: evil/)
  await made.sql('alter view jobmaster.queue reset (security_barrier)')
  expect(await plan()).not.toMatch(/^Subquery Scan on queue.*\n +Filter: evil/)
})

test('where tables are and functions are not, a role that may not deploy is told to run `jobmaster deploy`', async () => {
  const made = await setup({ cool })
  const { jobs } = await as(made, 'jobs_drain', 'node-postgres')
  await made.sql`drop function jobmaster.settle_and_claim(jsonb)`
  await expect(jobs.runUntilEmpty(deadlineIn())).rejects.toMatchObject({
    code: 'JM010',
    message: expect.stringContaining('run `jobmaster deploy`'),
  })
})

test('deploying takes no superuser, and the functions then have the rights of who deployed', async () => {
  const made = await setup({ cool }, { deploy: false })
  const { user, url } = await plainRole(made)
  await made.sql(`create schema jobmaster authorization ${user}`)
  const { db, close } = await connect('node-postgres', url)
  onTestFinished(close)
  await createJobMaster({ db, tasks: { cool } }).deploy()
  const draining = await as(made, 'jobs_drain', 'node-postgres')
  await createJobMaster({ db }).insert('cool.bar', { b: 1 })
  expect((await draining.jobs.runUntilEmpty(deadlineIn())).completed).toBe(2)
})

test.each([`we"ird'; drop schema public; --`, 'a$fn$b', '$1 %s %I \\ ?', 'with space'])(
  'the roles are the same in a schema called %j',
  async (schema) => {
    const made = await setup({ cool }, { schema })
    const inserting = await as(made, 'jobs_insert', 'node-postgres', { cool }, schema)
    const draining = await as(made, 'jobs_drain', 'neon-http', { cool }, schema)
    const quoted = `"${schema.replaceAll('"', '""')}"`
    await inserting.run(`call ${quoted}.insert_job('cool', 'bar', 10, '{"b": 1}')`)
    expect(await inserting.run(`select task from ${quoted}.queue`)).toEqual([{ task: 'cool.bar' }])
    await expect(inserting.run(`select from ${quoted}.jobs`)).rejects.toMatchObject({ code: '42501' })
    expect((await draining.jobs.runUntilEmpty(deadlineIn())).completed).toBe(2)
    await expect(draining.run(`select ${quoted}.clock()`)).rejects.toMatchObject({ code: '42501' })
  },
)

/** Calls that each role is granted. */
const granted: Record<(typeof roles)[number], string[]> = {
  jobs_insert: [
    `call jobmaster.insert_job('cool', 'foo', 10, '{"b": 1}'::pg_catalog.json)`,
    `call jobmaster.insert_job('cool', 'foo', 10, '{"b": 1}'::pg_catalog.jsonb)`,
    `select jobmaster.enqueue('cool', 'bar', '{"b": 1}'::pg_catalog.text)`,
    `select jobmaster.enqueue('cool', 'bar', '{"b": 1}'::pg_catalog.jsonb)`,
    `select jobmaster.insert_jobs('[{"task": "cool.keeper", "args": {"secret": "x"}}]')`,
    `select id from jobmaster.queue`,
  ],
  jobs_drain: [
    `select jobmaster.settle_and_claim('${JSON.stringify({
      version: 1,
      invocation: '00000000-0000-0000-0000-000000000001',
      sequence: 1,
      system: 'default',
      units: 10,
      tasks: {},
      completed: [],
      outcomes: [],
      limit: 10,
      lease_ms: 1,
      time_left_ms: 1,
      started: 0,
      held: 0,
      repeat: false,
      since: 0,
      after: null,
      take_back: true,
    })}')`,
  ],
}

const trap = (head: string) =>
  `create function evil.${head} language plpgsql as $$ begin raise 'trapped as %', current_user; end $$;`

/** What the functions call by a bare name, with arguments that fit better than those of pg_catalog, or come first. */
const traps = [
  trap('jsonb_array_length(jsonb) returns integer'),
  trap('jsonb_typeof(jsonb) returns text'),
  trap('current_setting(text) returns text'),
  trap('to_jsonb(text) returns jsonb'),
  trap('format(text, text) returns text'),
  trap('jsonb_build_object(text, jsonb) returns jsonb'),
  trap('clock_timestamp() returns timestamptz'),
  ...[
    ['=', 'jsonb', 'jsonb', 'boolean'],
    ['<>', 'jsonb', 'jsonb', 'boolean'],
    ['<>', 'text', 'text', 'boolean'],
    ['=', 'text', 'text', 'boolean'],
    ['=', 'integer', 'integer', 'boolean'],
    ['<>', 'integer', 'integer', 'boolean'],
    ['>', 'integer', 'integer', 'boolean'],
    ['<=', 'timestamptz', 'timestamptz', 'boolean'],
    ['->>', 'jsonb', 'text', 'text'],
    ['->', 'jsonb', 'text', 'jsonb'],
    ['||', 'jsonb', 'jsonb', 'jsonb'],
    ['||', 'text', 'text', 'text'],
  ].flatMap(([name, left, right, result], index) => [
    trap(`operator_${index}(${left}, ${right}) returns ${result}`),
    `create operator evil.${name} (function = evil.operator_${index}, leftarg = ${left}, rightarg = ${right});`,
  ]),
].join('\n')

/** A connection of such a role, and an instance over it. */
async function as(
  made: Pick<Made, 'sql' | 'url'>,
  role: RoleName,
  over: (typeof drivers)[number],
  tasks: Record<string, object> = { cool },
  schema?: string,
) {
  const { db, url } = await open(made, role, over, schema)
  const own = await sqlAt(url)
  onTestFinished(own.close)
  return {
    client: own.client,
    user: new URL(url).username,
    jobs: createJobMaster({ db, tasks, ...(schema !== undefined && { schema }) }),
    /** One text, over that driver; it throws the database's own error. */
    run: async (text: string) => {
      if (over === 'node-postgres') return own.sql(text)
      return db.execute(query.raw(text)).then(
        (result) => (result as unknown as { rows: unknown[] }).rows,
        (error: Error) => Promise.reject(error.cause ?? error),
      )
    },
  }
}

async function open(made: Pick<Made, 'sql' | 'url'>, role: RoleName, over: (typeof drivers)[number], schema?: string) {
  const url = await makeRole(made, role, schema)
  const connection = await connect(over, url)
  onTestFinished(connection.close)
  return { ...connection, url }
}

async function plainRole({ sql, url }: Pick<Made, 'sql' | 'url'>): Promise<{ user: string; url: string }> {
  const user = `jobs_owner_${crypto.randomUUID().slice(0, 8)}`
  await sql(`create role ${user} login password 'owner'`)
  onTestFinished(async () => {
    await sql(`drop owned by ${user} cascade; drop role ${user}`)
  })
  const own = new URL(url)
  own.username = user
  own.password = 'owner'
  return { user, url: own.href }
}

function relationsOf(sql: Sql) {
  return sql<{ name: string; kind: string; column: string }>`
    select
      relname as name,
      case relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end as kind,
      (select quote_ident(attname) from pg_attribute where attrelid = pg_class.oid and attnum = 1) as column
    from pg_class
    where relnamespace = 'jobmaster'::regnamespace and relkind in ('r', 'v', 'S')
    order by relname`
}

/** Each function, procedure and overload, and a call of it with null for every argument. */
function functionsOf(sql: Sql) {
  return sql<{ name: string; call: string }>`
    select
      proname as name,
      format(
        '%s jobmaster.%I(%s)',
        case prokind when 'p' then 'call' else 'select' end,
        proname,
        (select string_agg('null::' || format_type(type, null), ', ' order by position) from unnest(proargtypes) with ordinality argument (type, position))
      ) as call
    from pg_proc
    where pronamespace = 'jobmaster'::regnamespace
    order by 1, 2`
}

/** Who may do what with the schema and all that is in it. */
function rights(sql: Sql) {
  return sql`
    select nspname as name, nspowner::text as owner, nspacl::text as rights from pg_namespace where nspname = 'jobmaster'
    union all
    select relname, relowner::text, relacl::text from pg_class where relnamespace = 'jobmaster'::regnamespace
    union all
    select oid::regprocedure::text, proowner::text, proacl::text || coalesce(proconfig::text, '') || prosecdef::text
    from pg_proc
    where pronamespace = 'jobmaster'::regnamespace
    order by 1`
}
