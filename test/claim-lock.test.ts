import { createJobMaster, task } from 'jobmaster'
import { expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from './support/deadline.ts'
import { connect } from './support/drivers.ts'
import { setup } from './support/jobs.ts'
import { startPostgres } from './support/postgres.ts'
import { sqlAt } from './support/sql.ts'

const quick = () => task({ params: {}, run() {} })

/** Somebody's transaction that holds the claim lock of a schema until it is let go. */
async function holdClaimLock(url: string) {
  const { sql, close } = await sqlAt(url)
  onTestFinished(close)
  await sql('begin')
  await sql(`select pg_advisory_xact_lock(hashtextextended('jobmaster', 0))`)
  return { letGo: () => sql('commit') }
}

test('claims wait for one another', async () => {
  const cool = { quick: quick() }
  const { jobs, url } = await setup({ cool })
  await jobs.insert(cool.quick, {})
  const lock = await holdClaimLock(url)
  let done = false
  const drained = jobs.runUntilEmpty(deadlineIn()).finally(() => {
    done = true
  })
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(done).toBe(false)
  await lock.letGo()
  expect((await drained).completed).toBe(1)
})

test('a claim that has waited for a deploy goes by what was deployed', async () => {
  const cool = { quick: quick() }
  const { jobs, url } = await setup({ cool })
  await jobs.insert(cool.quick, {})
  const { sql, close } = await sqlAt(url)
  onTestFinished(close)
  const watching = await sqlAt(url)
  onTestFinished(watching.close)
  await sql('begin')
  // As a deploy does: of this task the database has another version now.
  await sql(`select pg_advisory_xact_lock(hashtextextended('jobmaster', 0))`)
  await sql(`update jobmaster.tasks set hash = 'another'`)
  const drained = jobs.runUntilEmpty(deadlineIn())
  const waiting = () => watching.sql`
    select
    from pg_locks
    where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`
  await expect.poll(async () => (await waiting()).length).toBe(1)
  await sql('commit')
  expect(await drained).toMatchObject({ completed: 0, remaining: 1, skew: ['cool.quick'] })
})

test('an idle tick takes no lock, and so waits for nobody', async () => {
  const { jobs, url } = await setup({ cool: { quick: quick() } })
  const lock = await holdClaimLock(url)
  expect(await jobs.runUntilEmpty(deadlineIn(2_000))).toMatchObject({ stopReason: 'empty', statements: 1 })
  await lock.letGo()
})

test('where nothing is waiting a tick locks nothing that anybody else would wait for', async () => {
  const { jobs, url } = await setup({ cool: { quick: quick() } })
  await jobs.runUntilEmpty(deadlineIn())
  const { sql, close } = await sqlAt(url)
  onTestFinished(close)
  const request = {
    version: 1,
    invocation: crypto.randomUUID(),
    sequence: 1,
    system: 'default',
    units: 10_000,
    tasks: {},
    outcomes: [],
    completed: { ids: '{}', attempts: '{}', results: {} },
    limit: 10,
    lease_ms: 60_000,
    time_left_ms: 30_000,
    started: 0,
    held: 0,
    repeat: false,
    since: 0,
    after: null,
    take_back: false,
  }
  const locks = async () => {
    await sql('begin')
    await sql`select jobmaster.settle_and_claim(${JSON.stringify(request)}::text::jsonb)`
    const held = await sql`
      select distinct locktype, mode from pg_locks where pid = pg_backend_pid() and locktype <> 'virtualxid' order by 1, 2`
    await sql('rollback')
    return held
  }
  expect(await locks()).toEqual([{ locktype: 'relation', mode: 'AccessShareLock' }])
  await jobs.insert('cool.quick', {})
  expect(await locks()).toContainEqual({ locktype: 'advisory', mode: 'ExclusiveLock' })
})

test('only claims take the lock: insert, cancel, retry, settle and the questions wait for none', async () => {
  const started = Promise.withResolvers<void>()
  const locked = Promise.withResolvers<void>()
  const slow = task({
    params: {},
    async run() {
      started.resolve()
      await locked.promise
    },
  })
  const cool = { quick: quick(), slow }
  const { jobs, url } = await setup({ cool })
  const running = await jobs.insert(slow, {})
  // It has no free slot, and its deadline is over when the job ends: it settles, and claims nothing any more.
  const drained = jobs.runUntilEmpty(deadlineIn(800), { concurrency: 1, settleMs: 5_000 })
  await started.promise
  const lock = await holdClaimLock(url)
  const job = await jobs.insert(cool.quick, {})
  await jobs.cancel(job.id)
  await jobs.retry(job.id)
  await jobs.list()
  await jobs.status()
  await jobs.explain(job.id)
  setTimeout(locked.resolve, 900)
  await drained
  expect((await jobs.get(running.id))?.status).toBe('completed')
  await lock.letGo()
})

test('a claim waits for no row: a job that somebody has locked is passed over', async () => {
  const cool = { quick: quick() }
  const { jobs, url } = await setup({ cool })
  const [held, free] = await jobs.insertMany([1, 2].map(() => ({ task: cool.quick, args: {} })))
  const { sql, close } = await sqlAt(url)
  onTestFinished(close)
  await sql('begin')
  await sql`select from jobmaster.jobs where id = ${held!.id} for update`
  const report = await jobs.runUntilEmpty(deadlineIn(3_000))
  expect(report.completed).toBe(1)
  expect((await jobs.get(free!.id))?.status).toBe('completed')
  await sql('rollback')
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
})

test("others may claim while a claim's commit waits for where the log is kept, and its answer waits for that", async () => {
  const server = await startPostgres()
  const cool = { quick: quick() }
  const connections = await Promise.all([1, 2].map(() => connect('node-postgres', server.url)))
  const runners = connections.map(({ db }) => createJobMaster({ db, tasks: { cool } }))
  await runners[0]!.deploy()
  await runners[0]!.insertMany(Array.from({ length: 1_000 }, () => ({ task: cool.quick, args: {} })))
  const { sql, close } = await sqlAt(server.url)
  // Whoever looks on does not wait for it.
  await sql('set synchronous_commit = off')
  const keepAt = async (name: string) => {
    await sql(`alter system set synchronous_standby_names = '${name}'`)
    await sql('select pg_reload_conf()')
  }
  const waiting = () =>
    sql`select count(*)::integer as calls from pg_stat_activity where wait_event = 'SyncRep' and query like '%settle_and_claim%'`
  const running = () => sql`select count(*)::integer as jobs from jobmaster.jobs where status = 'running'`

  onTestFinished(async () => {
    await keepAt('')
    for (const one of connections) await one.close()
    await close()
    await server.stop()
  })
  await keepAt('nobody')
  let returned = 0
  const drained = Promise.all(
    runners.map(async (jobs) => {
      const { completed } = await jobs.runUntilEmpty(deadlineIn(), { batchSize: 2 })
      returned += 1
      return completed
    }),
  )
  drained.catch(() => {})
  await expect.poll(waiting, { timeout: 10_000 }).toEqual([{ calls: 2 }])
  expect(await running()).toEqual([{ jobs: 4 }])
  expect(returned).toBe(0)
  await keepAt('')
  const [one, other] = await drained
  expect(one! + other!).toBe(1_000)
})

test('a drain in a transaction of its caller leaves it to the caller to commit', async () => {
  const cool = { quick: quick() }
  const { jobs, url } = await setup({ cool })
  await jobs.insert(cool.quick, {})
  const connection = await connect('node-postgres', url)
  onTestFinished(connection.close)
  const drainedIn = async (undo: boolean) => {
    let completed = 0
    await connection.db.transaction!(async (db) => {
      completed = (await createJobMaster({ db, tasks: { cool } }).runUntilEmpty(deadlineIn())).completed
      if (undo) throw new Error('undone')
    }).catch((error: Error) => expect(error.message).toBe('undone'))
    return completed
  }
  expect(await drainedIn(true)).toBe(1)
  expect((await jobs.status()).jobs.waiting).toBe(1)
  expect(await drainedIn(false)).toBe(1)
  expect((await jobs.status()).jobs).toMatchObject({ waiting: 0, completed: 1 })
})

test('two schemas do not wait for each other', async () => {
  const cool = { quick: quick() }
  const { database, url } = await setup({ cool })
  const other = await setup({ cool }, { database, schema: 'job_mistress' })
  await other.jobs.insert(cool.quick, {})
  const lock = await holdClaimLock(url)
  expect(await other.jobs.runUntilEmpty(deadlineIn(2_000))).toMatchObject({ completed: 1 })
  await lock.letGo()
})

test.each(['repeatable read', 'serializable'])(
  'a role whose transactions are %s is refused, saying what to set',
  async (level) => {
    const cool = { quick: quick() }
    const { jobs, sql, url } = await setup({ cool })
    await jobs.insert(cool.quick, {})
    const name = new URL(url).pathname.slice(1)
    await sql(`alter database "${name}" set default_transaction_isolation to '${level}'`)
    const connection = await connect('node-postgres', url)
    onTestFinished(connection.close)
    const stricter = createJobMaster({ db: connection.db, tasks: { cool } })
    await expect(stricter.runUntilEmpty(deadlineIn())).rejects.toMatchObject({
      code: 'JM013',
      message: expect.stringMatching(new RegExp(`READ COMMITTED.*${level}.*default_transaction_isolation`, 'is')),
    })
    expect((await jobs.status()).jobs.waiting).toBe(1)
  },
)

test('a crash that undoes a settle lets no claim overlook the jobs that run again', async () => {
  // Nothing but a commit that waits brings the log to the disk.
  const server = await startPostgres({ fast: true, settings: { synchronous_commit: 'on', wal_writer_delay: '10s' } })
  onTestFinished(() => server.stop())
  const heavy = task({ params: {}, processUnits: 6, run() {} })
  const { db, close } = await connect('node-postgres', server.url)
  const jobs = createJobMaster({ db, tasks: { cool: { heavy } } })
  await jobs.deploy()
  await jobs.insertMany([1, 2, 3].map(() => ({ task: heavy, args: {} })))
  await close()

  let { sql, close: disconnect } = await sqlAt(server.url)
  const [deployed] = await sql`select hash from jobmaster.tasks`
  const invocation = () => ({ invocation: crypto.randomUUID(), tasks: { 'cool.heavy': String(deployed!.hash) } })
  const requestOf = (given: object) =>
    JSON.stringify({
      version: 1,
      sequence: 2,
      system: 'default',
      units: 12,
      outcomes: [],
      completed: { ids: '{}', attempts: '{}', results: {} },
      limit: 1,
      lease_ms: 60_000,
      time_left_ms: 30_000,
      started: 0,
      held: 0,
      repeat: false,
      since: 0,
      after: null,
      take_back: false,
      ...given,
    })
  const call = async (given: object) => {
    const [row] = await sql`call jobmaster.settle_and_claim(${requestOf(given)}::text::jsonb, null)`
    return JSON.parse(String(row!.answer)) as { jobs: [number, string, number][]; since?: number | null }
  }
  const first = invocation()
  const [id] = (await call(first)).jobs[0]!
  await call(invocation())
  // As it is while the procedure waits for the disk: committed, and lost if the server ends now.
  await sql('set synchronous_commit = off')
  const completed = { ids: `{${id}}`, attempts: '{1}', results: {} }
  await sql`select jobmaster.settle_and_claim(${requestOf({ ...first, sequence: 3, limit: 0, completed })}::text::jsonb)`
  await sql('set synchronous_commit = on')
  const third = { ...invocation(), since: 0 }
  const nothing = await call({ ...third, tasks: {} })
  expect(nothing.jobs).toEqual([])

  await disconnect()
  await server.restart('immediate')
  ;({ sql, close: disconnect } = await sqlAt(server.url))
  onTestFinished(disconnect)
  expect(await sql`select count(*)::integer as jobs from jobmaster.jobs where status = 'running'`).toEqual([
    { jobs: 2 },
  ])
  const answer = await call({ ...third, sequence: 3, since: nothing.since ?? third.since })
  expect(answer.jobs).toEqual([])
})
