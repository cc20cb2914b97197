import { readFile } from 'node:fs/promises'
import { createJobMaster, dependsOn, same, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, onTestFinished, test } from 'vitest'
import { catalogOf } from '../../src/catalog.ts'
import { migrations } from '../../src/migrations/index.ts'
import { tasksOf } from '../../src/tasks.ts'
import { Clock } from '../support/clock.ts'
import { deadlineIn } from '../support/deadline.ts'
import { dumpSchema } from '../support/dump.ts'
import { setup } from '../support/jobs.ts'
import { openDatabase } from '../support/open.ts'
import { type Sql, sqlAt } from '../support/sql.ts'

// From the first schema there was, with the functions of that time, to today's: while jobs of every kind are under way, and
// invocations of that time go on calling.

const plain = task({ params: { n: v.number() }, run: ({ n }) => ({ n }) })
const source = task({ params: { of: v.string() }, run: ({ of }) => ({ of }) })
const bar = task({
  params: { of: v.string() },
  dependencies: dependsOn(source, { withinHours: 5, args: { of: same } }),
  run: (_, ctx) => ctx.dependencies.of(source).map(({ result }) => result),
})
const cool = { plain, source, bar }
const tasks = { cool }

/** As the first deploy there was left a database. */
async function deployFirst(sql: Sql): Promise<void> {
  const [first] = migrations
  for (const statement of first!.statements) await sql(statement)
  await sql`insert into jobmaster.migrations (name, hash, applied_at) values (${first!.name}, ${first!.hash}, now())`
  await sql(await readFile(new URL('first-functions.sql', import.meta.url), 'utf8'))
  await sql`select jobmaster.deploy_catalog(${JSON.stringify(catalogOf(tasks).json)}::jsonb, 'the first')`
}

interface Answer {
  jobs?: [id: number, task: string, attempt: number, priority: number, args: { n: number }][]
  completed?: number
  refused?: number[]
  stop?: string
}

/** An invocation of the first code, which speaks as that did. */
function firstInvocation(sql: Sql, leaseMs = 60_000) {
  const invocation = crypto.randomUUID()
  let sequence = 0
  return async (limit: number, settled: { completed?: unknown[]; outcomes?: unknown[] } = {}): Promise<Answer> => {
    sequence += 1
    for (let repeat = false; ; repeat = true) {
      const request = {
        version: 1,
        invocation,
        sequence,
        system: 'default',
        units: 10_000,
        tasks: tasksOf(tasks).hashes,
        completed: [],
        outcomes: [],
        ...settled,
        limit,
        lease_ms: leaseMs,
        time_left_ms: leaseMs,
        started: 0,
        held: 0,
        repeat,
        since: 0,
        after: null,
        take_back: true,
      }
      try {
        const [row] = await sql`select jobmaster.settle_and_claim(${JSON.stringify(request)}::jsonb) as answer`
        const answer: unknown = row!.answer
        // Since then it is text.
        return (typeof answer === 'string' ? JSON.parse(answer) : answer) as Answer
      } catch (error) {
        // As that code did: the same call again. 42883 is for a claim that waited for the deploy to end.
        if (!/^(40001|40P01|42883)$/.test((error as { code?: string }).code ?? '')) throw error
      }
    }
  }
}

async function enqueue(sql: Sql, name: string, args: object, more = ''): Promise<number> {
  const [row] = await sql(`select jobmaster.enqueue('cool', '${name}', '${JSON.stringify(args)}'::jsonb${more}) as id`)
  return row!.id as number
}

test('jobs waiting, running, blocked, set for later, backing off and finished go on after an upgrade from the first schema, and none is lost', async () => {
  const { sql, db } = await openDatabase()
  await deployFirst(sql)
  const [settles, dies, works] = [firstInvocation(sql), firstInvocation(sql, 1), firstInvocation(sql)]
  const take = async (call: typeof works, wanted: number) => {
    const { jobs } = await call(1)
    expect(jobs?.map(([id]) => id)).toEqual([wanted])
    return jobs![0]!
  }

  const finished = await enqueue(sql, 'plain', { n: 1 })
  const [, , attempt] = await take(works, finished)
  await works(0, { completed: [[finished, attempt, { n: 1 }]] })
  const failed = await enqueue(sql, 'plain', { n: 2 })
  await take(works, failed)
  await works(0, { outcomes: [{ id: failed, attempt: 1, outcome: 'fatal', error: { name: 'Error', message: 'no' } }] })
  const backingOff = await enqueue(sql, 'plain', { n: 3 })
  await take(works, backingOff)
  const error = { name: 'Error', message: 'later' }
  await works(0, { outcomes: [{ id: backingOff, attempt: 1, outcome: 'failed', error, retry_ms: 600_000 }] })
  const fresh = await enqueue(sql, 'source', { of: 'fresh' })
  await take(works, fresh)
  await works(0, { completed: [[fresh, 1, { of: 'fresh' }]] })
  const blocked = await enqueue(sql, 'bar', { of: 'x' })
  const claimed = await settles(1)
  expect(claimed.jobs?.map(([id, name]) => [id, name])).toEqual([[blocked + 1, 'cool.source']])
  const lost = await enqueue(sql, 'plain', { n: 4 })
  await take(dies, lost)
  const scheduled = await enqueue(sql, 'plain', { n: 5 }, `, run_at => now() + interval '1 hour'`)
  const [row] = await sql(`call jobmaster.insert_job('cool', 'plain', 7, '{"n": 6}'::jsonb)`)
  const waiting = row!.id as number
  const dependent = await enqueue(sql, 'bar', { of: 'fresh' })

  const jobs = createJobMaster({ db, tasks })
  expect((await jobs.plan()).migrations).toEqual(migrations.slice(1).map(({ name }) => name))
  await jobs.deploy()
  expect(await jobs.plan()).toMatchObject({ upToDate: true })
  const statuses = async (...ids: number[]) => Promise.all(ids.map(async (id) => (await jobs.get(id))?.status))
  expect(await statuses(finished, failed, backingOff, blocked, blocked + 1, lost, scheduled, waiting)).toEqual([
    'completed',
    'failed',
    'scheduled',
    'blocked',
    'running',
    'running',
    'scheduled',
    'waiting',
  ])

  // What the old invocation has in its hands it settles, and then goes.
  expect(await settles(0, { completed: [[blocked + 1, 1, { of: 'x' }]] })).toMatchObject({ completed: 1, refused: [] })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 4 })
  expect(await statuses(blocked, lost, waiting, dependent)).toEqual(Array(4).fill('completed'))
  // Fresh before, fresh after: it was not run again.
  expect((await jobs.get(dependent))?.result).toEqual([{ of: 'fresh' }])
  expect((await jobs.list({ task: 'cool.source' })).jobs).toHaveLength(2)

  await new Clock(sql, 'jobmaster').advance({ hours: 2 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 2 })
  expect(await statuses(backingOff, scheduled)).toEqual(['completed', 'completed'])
  expect(await jobs.get(backingOff)).toMatchObject({ attempt: 2, failures: 1, result: { n: 3 } })
  expect(await jobs.get(finished)).toMatchObject({ result: { n: 1 }, priority: 0 })
  expect(await jobs.retry(failed)).toMatchObject({ status: 'waiting' })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1, remaining: 0 })
})

test('an upgraded schema is as one that is deployed today, in its tables and in its functions', async () => {
  const upgraded = await openDatabase()
  await deployFirst(upgraded.sql)
  await createJobMaster({ db: upgraded.db, tasks }).deploy()
  const deployed = await setup(tasks)
  expect(await dumpSchema(upgraded.sql, 'jobmaster')).toEqual(await dumpSchema(deployed.sql, 'jobmaster'))
  expect(await functionsIn(upgraded.sql)).toEqual(await functionsIn(deployed.sql))
})

function functionsIn(sql: Sql) {
  return sql`
    select oid::regprocedure::text as signature, prosrc
    from pg_proc
    where pronamespace = 'jobmaster'::regnamespace
    order by 1`
}

test('invocations that drain while the schema is upgraded complete each job once', async () => {
  const { sql, db, url } = await openDatabase()
  await deployFirst(sql)
  const items = Array.from({ length: 400 }, (_, n) => ({ task: 'cool.plain', args: { n } }))
  await sql`select jobmaster.insert_jobs(${JSON.stringify(items)}::jsonb)`
  const completed: number[] = []
  const workers = Array.from({ length: 3 }, async () => {
    const session = await sqlAt(url)
    onTestFinished(session.close)
    const call = firstInvocation(session.sql)
    let held: unknown[][] = []
    for (;;) {
      const answer: Answer = await call(5, { completed: held })
      expect(answer.refused ?? []).toEqual([])
      completed.push(...held.map(([id]) => Number(id)))
      held = (answer.jobs ?? []).map(([id, , attempt, , args]) => [id, attempt, args])
      if (held.length === 0 && answer.stop === 'empty') return
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })
  const jobs = createJobMaster({ db, tasks })
  await jobs.deploy()
  const drained = jobs.runUntilEmpty(deadlineIn())
  await Promise.all(workers)
  const report = await drained
  expect(completed.length + report.completed).toBe(400)
  expect(new Set(completed).size).toBe(completed.length)
  expect((await jobs.status()).jobs).toMatchObject({ completed: 400, waiting: 0, running: 0 })
})

test('who was granted a function that took fewer arguments may call the one in its place', async () => {
  const { sql, db } = await openDatabase()
  await deployFirst(sql)
  const role = `upgrade_${crypto.randomUUID().slice(0, 8)}`
  await sql(`create role ${role}`)
  onTestFinished(async () => {
    await sql(`drop owned by ${role}; drop role ${role}`)
  })
  await sql(`
    create function jobmaster.pause(task text default null, system text default null) returns timestamptz
      language sql as $fn$ select now() $fn$;
    grant usage on schema jobmaster to ${role};
    revoke execute on all functions in schema jobmaster from public;
    grant execute on function jobmaster.enqueue(text, text, jsonb, integer, timestamptz) to ${role};
    grant execute on function jobmaster.pause(text, text) to ${role}`)
  await createJobMaster({ db, tasks }).deploy()
  const may = async (signature: string) =>
    (
      await sql`select has_function_privilege(${role}, oid, 'execute') as may from pg_proc where oid = ${signature}::regprocedure`
    )[0]?.may
  const unique = 'text, text, double precision, double precision, bigint[], text'
  expect(await may(`jobmaster.enqueue(text, text, jsonb, integer, timestamptz, ${unique})`)).toBe(true)
  expect(await may(`jobmaster.enqueue(text, text, json, integer, timestamptz, ${unique})`)).toBe(false)
  expect(await may('jobmaster.pause(text, text, text)')).toBe(true)
  await sql(`set role ${role}`)
  expect(await sql`select jobmaster.enqueue('cool', 'plain', '{"n": 1}'::jsonb, 3) as id`).toEqual([{ id: 1 }])
  await sql`select jobmaster.pause(task => 'cool.plain')`
  await sql`reset role`
})
