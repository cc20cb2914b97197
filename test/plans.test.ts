/**
 * The plans of a claim and a settle, read from the server as it runs them, on one connection that has had its plans since
 * the tables were empty. With a million rows under JOBMASTER_PLAN_ROWS=1000000, as every night; with a hundred thousand for each change.
 */
import { drizzle } from 'drizzle-orm/node-postgres'
import { createJobMaster, dependsOn, same, task } from 'jobmaster'
import pg from 'pg'
import * as v from 'valibot'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClaimAnswer, type ClaimedJob, type ClaimRequest, settleAndClaim } from '../src/queue.ts'
import { createDatabase } from './support/database.ts'

const run = () => {}
const params = { n: v.number() }
const source = task({ params: { region: v.number() }, run })
const cool = {
  source,
  light: task({ params, run }),
  limited: task({ params, processLimit: 3, run }),
  dependent: task({
    params: { n: v.number(), region: v.number() },
    dependencies: dependsOn(source, { withinHours: 24, args: { region: same } }),
    run,
  }),
}
/** Limited by arguments, and by time. */
const narrow = {
  perCustomer: task({ params: { customer: v.number() }, processLimit: { max: 1, per: ['customer'] }, run }),
  rated: task({ params, rateLimit: { max: 25, perSeconds: 60 }, run }),
  ratedPerCustomer: task({
    params: { customer: v.number() },
    rateLimit: { max: 1, perSeconds: 60, per: ['customer'] },
    run,
  }),
}
const batch = 10
/** Of a statement's rows: a claim looks at a batch several times, and at a batch of each task where one may not run. */
const readAtMost = 6 * batch
const sortedAtMost = 3 * batch
const large = Number(process.env.JOBMASTER_PLAN_ROWS ?? 100_000)

let client: pg.Client
let url: string
let close: () => Promise<void>
let plans: { text: string; node: PlanNode }[] = []
const hashes: Record<string, string> = {}

beforeAll(async () => {
  const database = await createDatabase()
  url = database.url
  client = new pg.Client({ connectionString: url })
  await client.connect()
  close = async () => {
    await client.end()
    await database.drop()
  }
  await createJobMaster({ db: drizzle({ client }), tasks: { cool, narrow } }).deploy()
  const { rows } = await client.query<{ name: string; hash: string }>(
    `select type_key || '.' || task_key as name, hash from jobmaster.tasks`,
  )
  for (const { name, hash } of rows) hashes[name] = hash
  // What the server would do by itself, some time.
  await client.query('alter table jobmaster.jobs set (autovacuum_enabled = off)')
  await client.query(`
    load 'auto_explain';
    -- A setting since Postgres 16: before it there are no parameters in the log.
    select set_config(name, '0', false) from pg_settings where name = 'auto_explain.log_parameter_max_length';
    set auto_explain.log_min_duration = 0;
    set auto_explain.log_nested_statements = on;
    set auto_explain.log_analyze = on;
    set auto_explain.log_timing = off;
    set auto_explain.log_format = json;
    set auto_explain.log_level = notice`)
  client.on('notice', ({ message = '' }) => {
    if (!message.startsWith('duration:')) return
    const explained: { 'Query Text': string; Plan: PlanNode } = JSON.parse(message.slice(message.indexOf('{')))
    plans.push({ text: explained['Query Text'], node: explained.Plan })
  })
})
afterAll(() => close())

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  'Heap Fetches'?: number
  Plans?: PlanNode[]
}

/** Plans that grow with the table, in words: that sort or read more rows than that in one statement. */
function growing({ read: most = readAtMost, sorted = sortedAtMost } = {}): string[] {
  return plans.flatMap(({ text, node }) => {
    const nodes = all(node)
    const where = `in ${text.replaceAll(/\s+/g, ' ').slice(0, 100)}`
    const scans = nodes.filter(
      (one) => /Scan/.test(one['Node Type']) && ['jobs', 'completions', 'starts'].includes(one['Relation Name'] ?? ''),
    )
    const read = scans.reduce((sum, one) => sum + rowsOf(one), 0)
    return [
      ...scans
        .filter((one) => one['Node Type'] === 'Seq Scan')
        .map((one) => `scans all ${one['Relation Name']} ${where}`),
      ...nodes
        .filter((one) => /Sort/.test(one['Node Type']) && one['Actual Rows'] * one['Actual Loops'] > sorted)
        .map((one) => `sorts ${one['Actual Rows']} rows ${where}`),
      ...(read > most ? [`reads ${read} rows ${where}`] : []),
    ]
  })
}

function all(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(all)]
}

function rowsOf(node: PlanNode): number {
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
  return (node['Actual Rows'] + removed) * node['Actual Loops']
}

/**
 * Two fifths waiting, one set for later, the rest history; every fourth that waits comes first, and is light. What one in
 * five dependents needs is not fresh, in a long history of what is. Two of three jobs are of one group.
 */
async function fill(rows: number): Promise<void> {
  await client.query(`
    set auto_explain.log_min_duration = -1;
    truncate jobmaster.jobs, jobmaster.blockers, jobmaster.job_keys, jobmaster.completions, jobmaster.groups;
    insert into jobmaster.groups (id, created_at) values (-1, now());
    insert into jobmaster.jobs (
      task_id, status, priority, rank, args, max_attempts, process_units, created_at, run_at, attempt, finished_at, group_id
    )
    select
      task.id, made.status, case when n % 20 = 0 then 10 else 0 end, case when n % 20 = 0 then -10 else 0 end,
      case made.name when 'dependent' then jsonb_build_object('n', n, 'region', n % 50) else jsonb_build_object('n', n) end,
      3, 1, now(), now() + case made.status when 'scheduled' then interval '1 day' else '0' end,
      (made.status = 'completed')::integer, case when made.status = 'completed' then now() end, case when n % 3 <> 1 then -1 end
    from generate_series(1, ${rows}) n
    cross join lateral (
      select
        case when n % 5 < 2 then 'waiting' when n % 5 = 2 then 'scheduled' else 'completed' end as status,
        case when n % 20 = 0 then 'light' else (array['light', 'limited', 'dependent'])[n % 3 + 1] end as name
    ) made
    join jobmaster.tasks task on task.task_key = made.name
    order by n;
    insert into jobmaster.completions (shape_id, key_hash, key, completed_at, job_id)
    select shape.id, jsonb_hash_extended(made.key, 0), made.key, now(), 0
    from jobmaster.shapes shape
    cross join lateral (select jsonb_build_object('region', n) as key from generate_series(0, ${rows / 10}) n where n < 40 or n > 50) made;
    set auto_explain.log_min_duration = 0`)
}

function requestOf(given: Partial<ClaimRequest>): ClaimRequest {
  return {
    version: 1,
    invocation: crypto.randomUUID(),
    sequence: 2,
    system: 'default',
    units: 10_000,
    tasks: {},
    completed: [],
    outcomes: [],
    limit: batch,
    lease_ms: 60_000,
    time_left_ms: 30_000,
    started: 0,
    held: 0,
    beside: false,
    repeat: false,
    since: 0,
    after: null,
    take_back: false,
    // None of the jobs is that old: a call sees so at the first.
    keep: { completed: 604_800, failed: 2_592_000 },
    ...given,
  }
}

/** Three calls of an invocation that can run these tasks: each settles what the last one got. Returns what they got. */
async function drain(names: string[]): Promise<string[]> {
  return (await drained(names.map((name) => `cool.${name}`))).map(([, name]) => name)
}

async function drained(names: string[]): Promise<ClaimedJob[]> {
  const invocation = crypto.randomUUID()
  const queue = { db: drizzle({ client }), schema: 'jobmaster' }
  const got: ClaimedJob[] = []
  let last: ClaimAnswer = { jobs: [], met: [] }
  for (let sequence = 2; sequence < 5; sequence += 1) {
    const request = requestOf({
      invocation,
      sequence,
      tasks: Object.fromEntries(names.map((name) => [name, hashes[name] ?? ''])),
      completed: last.jobs.slice(1).map(([id, , attempt]) => [id, attempt, 1]),
      outcomes: last.jobs.slice(0, 1).map(([id, , attempt]) => ({ id, attempt, outcome: 'failed' })),
      since: last.since ?? 0,
      after: last.after ?? null,
    })
    last = await settleAndClaim(queue, request)
    got.push(...last.jobs)
  }
  // Nothing runs when the next one begins. The last call counts what it leaves, and that is not looked at here.
  const seen = plans
  plans = []
  const completed = last.jobs.map(([id, , attempt]) => [id, attempt] as const)
  await settleAndClaim(queue, requestOf({ invocation, sequence: 5, completed, limit: 0 }))
  plans = seen
  return got
}

test('what the plans of an empty table are is seen', async () => {
  await fill(0)
  plans = []
  expect(await drain(['light', 'limited', 'dependent', 'source'])).toEqual([])
  expect(plans.length).toBeGreaterThan(5)
  expect(growing()).toEqual([])
})

for (const rows of [10_000, large]) {
  for (const analyzed of [false, true]) {
    const state = `${rows.toLocaleString('en')} rows, ${analyzed ? 'analyzed' : 'as the server has not analyzed them'}`

    test(`a claim from the head of the queue reads a batch or so: ${state}`, { timeout: 120_000 }, async () => {
      if (!analyzed) await fill(rows)
      else await client.query('analyze')
      plans = []
      const got = await drain(['light', 'limited', 'dependent', 'source'])
      expect(got).toEqual(Array(3 * batch).fill('cool.light'))
      // Where plans were read, the update of a claim and that of a settle are among them.
      expect(plans.filter(({ text }) => /update "?jobmaster"?\.jobs/.test(text)).length).toBeGreaterThanOrEqual(6)
      expect(plans.filter(({ text }) => text.includes('group_members'))).not.toEqual([])
      expect(growing()).toEqual([])
    })

    test(`a claim past jobs that may not run reads a batch or so of each task: ${state}`, async () => {
      plans = []
      const got = await drain(['limited', 'dependent', 'source'])
      expect(new Set(got)).toEqual(new Set(['cool.limited', 'cool.dependent', 'cool.source']))
      expect(growing()).toEqual([])
    })
  }
}

/**
 * As limited.sql bounds it, however many wait: the first jobs of a task, 500 more than are wanted, then at most 1,000 of the
 * values that its limit counts by, and the first job of each.
 */
const narrowly = { read: 2 * (1_000 + 500 + batch), sorted: 1_000 }

for (const rows of [10_000, large]) {
  for (const name of Object.keys(narrow)) {
    test(
      `a claim of narrow.${name} reads a bounded number of rows behind many that may not start: ${rows.toLocaleString('en')} rows`,
      { timeout: 300_000 },
      async () => {
        await fillNarrow(name, rows)
        for (const analyzed of [false, true]) {
          if (analyzed) await client.query('analyze')
          await client.query('truncate jobmaster.starts')
          plans = []
          const got = await drained([`narrow.${name}`])
          // Of the customer that half of the jobs are of, one at most in each claim; the others are of many.
          const customers = got.map(([, , , , { customer }]) => customer)
          expect(got.length).toBeGreaterThanOrEqual(2 * batch)
          if (name !== 'rated') expect(customers.filter((customer) => customer === 0).length).toBeLessThanOrEqual(3)
          expect(plans.filter(({ text }) => text.includes('limit_key')).length).toBeGreaterThan(0)
          expect(growing(narrowly)).toEqual([])
        }
      },
    )
  }
}

/** The first half of the jobs are all of one customer, the others of 5,000. */
async function fillNarrow(name: string, rows: number): Promise<void> {
  await client.query(`
    set auto_explain.log_min_duration = -1;
    truncate jobmaster.jobs, jobmaster.blockers, jobmaster.job_keys, jobmaster.completions, jobmaster.groups, jobmaster.starts;
    insert into jobmaster.jobs (
      task_id, status, priority, rank, args, max_attempts, process_units, created_at, run_at, attempt, limit_key
    )
    select
      task.id, 'waiting', 0, 0, made.args, 3, 1, now(), now(), 0,
      jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), made.args)
    from generate_series(1, ${rows}) n
    cross join lateral (
      select jsonb_build_object('n', n, 'customer', case when n <= ${rows / 2} then 0 else n % 5000 end) as args
    ) made
    join jobmaster.tasks task on task.task_key = '${name}'
    order by n;
    set auto_explain.log_min_duration = 0`)
}

test('a claim that goes on after the last one passes over nothing that was taken while a session holds a snapshot', async () => {
  await fill(10_000)
  await client.query(`
    set auto_explain.log_min_duration = -1;
    delete from jobmaster.jobs
    where status <> 'waiting' or task_id <> (select id from jobmaster.tasks where task_key = 'light')`)
  await client.query('vacuum jobmaster.jobs')
  const holder = new pg.Client({ connectionString: url })
  await holder.connect()
  try {
    await holder.query('begin isolation level repeatable read')
    await holder.query('select count(*) from jobmaster.jobs')
    // Their entries stay in the index of what waits for as long as that snapshot is held.
    await client.query(`
      update jobmaster.jobs
      set status = 'completed', finished_at = now()
      where id = any (array(select id from jobmaster.jobs order by rank, id limit 1000));
      set auto_explain.log_min_duration = 0`)
    plans = []
    const queue = { db: drizzle({ client }), schema: 'jobmaster' }
    const request = requestOf({ tasks: hashes })
    const first = await settleAndClaim(queue, request)
    expect(fetched()).toBeGreaterThanOrEqual(1_000)
    plans = []
    const { since, after = null, jobs } = first
    const second = await settleAndClaim(queue, { ...request, sequence: 3, since: since ?? 0, after })
    expect([jobs.length, second.jobs.length]).toEqual([batch, batch])
    expect(fetched()).toBeLessThanOrEqual(readAtMost)
  } finally {
    await holder.end()
  }
})

/** How many rows were looked at to know whether they are there still, for the entries of an index alone. */
function fetched(): number {
  return plans.flatMap(({ node }) => all(node)).reduce((sum, node) => sum + (node['Heap Fetches'] ?? 0), 0)
}

test('a plan that reads all that waits is told', async () => {
  plans = []
  await client.query(`select count(*) from jobmaster.jobs where status = 'waiting'`)
  expect(growing()).not.toEqual([])
})
