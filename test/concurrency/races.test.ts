import { setTimeout as sleep } from 'node:timers/promises'
import { dependsOn, NonRetriable, same, task } from 'jobmaster'
import * as v from 'valibot'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../support/drivers.ts'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'
import type { OpenDatabase } from '../support/open.ts'
import { type Sql, sqlAt } from '../support/sql.ts'

const n = v.number()

test('a dependent whose last two dependencies end at the same moment is woken', async () => {
  const [left, right] = [new Gate(), new Gate()]
  const tasks = {
    cool: {
      left: task({ params: { n }, run: () => left.pass() }),
      right: task({ params: { n }, run: () => right.pass() }),
      both: task({
        params: { n },
        dependencies: [dependsOn('cool.left', { args: { n: same } }), dependsOn('cool.right', { args: { n: same } })],
        run: () => {},
      }),
    },
  }
  const { jobs, sql, database } = await setup(tasks)
  const both = await jobs.insert('cool.both', { n: 1 })
  const first = jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  await Promise.race([left.holds(1), right.holds(1)])
  const other = await setup(tasks, { database: await again(database), deploy: false })
  const second = other.jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  await Promise.all([left.holds(1), right.holds(1)])
  // Each settles, and then waits for the dependent's row.
  const { release } = await hold(database, `select from jobmaster.jobs where id = ${both.id} for update`)
  left.open()
  right.open()
  await waiters(sql, 2)
  await release()
  await Promise.all([first, second])
  expect(await jobs.get(both.id)).toMatchObject({ status: 'completed' })
})

test('a job whose dependency is being settled waits for that settle, and is not put to sleep behind it', async () => {
  const gate = new Gate()
  const tasks = {
    cool: {
      foo: task({ params: { n }, run: () => gate.pass() }),
      bar: task({ params: { n }, dependencies: dependsOn('cool.foo', { args: { n: same } }), run: () => {} }),
    },
  }
  const { jobs, sql, database } = await setup(tasks)
  const [early, late] = [
    { task: tasks.cool.bar, args: { n: 1 } },
    { task: tasks.cool.bar, args: { n: 1 } },
  ]
  const [first] = await jobs.insertMany([early])
  const settling = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  // The settle has written that foo is completed, and waits for the job that it wakes.
  const { release } = await hold(database, `select from jobmaster.jobs where id = ${first!.id} for update`)
  gate.open()
  await waiters(sql, 1)
  const [second] = await jobs.insertMany([late])
  const other = await setup(tasks, { database: await again(database), deploy: false })
  const drains = other.jobs.runUntilEmpty(deadlineIn())
  await until(async () => other.statements.count > 3)
  expect(await jobs.get(second!.id)).toMatchObject({ status: 'waiting' })
  await release()
  await Promise.all([settling, drains])
  expect((await jobs.list({ task: 'cool.bar' })).jobs.map(({ status }) => status)).toEqual(['completed', 'completed'])
  expect((await jobs.list({ task: 'cool.foo' })).jobs).toHaveLength(1)
})

test('a claim waits for no row: it takes what nobody has locked', async () => {
  const tasks = { cool: { foo: task({ params: { n }, run: () => {} }) } }
  const { jobs, database } = await setup(tasks)
  const [locked, free] = await jobs.insertMany([
    { task: tasks.cool.foo, args: { n: 1 } },
    { task: tasks.cool.foo, args: { n: 2 } },
  ])
  const { release } = await hold(database, `select from jobmaster.jobs where id = ${locked!.id} for update`)
  const report = await jobs.runUntilEmpty(deadlineIn(2_000))
  expect(report.jobs.map(({ id }) => id)).toEqual([free!.id])
  await release()
  expect((await jobs.runUntilEmpty(deadlineIn())).completed).toBe(1)
})

test('a settle that a deploy overtakes still wakes what the new rules made wait for its job', async () => {
  const gate = new Gate()
  const foo = task({ params: { n }, run: () => gate.pass() })
  const bar = task({ params: { n }, run: () => {} })
  const before = await setup({ cool: { foo, bar } })
  const { sql, database } = before
  await before.jobs.insertMany([
    { task: foo, args: { n: 1 } },
    { task: foo, args: { n: 2 } },
  ])
  const draining = before.jobs.runUntilEmpty(deadlineIn())
  await gate.holds(2)
  // The settle has begun, and waits for its first job.
  const { release } = await hold(database, 'select from jobmaster.jobs order by id limit 1 for update')
  gate.open()
  await waiters(sql, 1)
  const bar2 = task({ params: { n }, dependencies: dependsOn(foo, { args: { n: same } }), run: () => {} })
  const after = await setup({ cool: { foo, bar: bar2 } }, { database: await again(database) })
  const dependent = await after.jobs.insert(bar2, { n: 2 })
  await after.jobs.runUntilEmpty(deadlineIn())
  expect(await after.jobs.get(dependent.id)).toMatchObject({ status: 'blocked' })
  await release()
  await draining
  await after.jobs.runUntilEmpty(deadlineIn())
  expect(await after.jobs.get(dependent.id)).toMatchObject({ status: 'completed' })
})

test('dependencies that fail and complete crosswise do not deadlock', async () => {
  // `top` is the older job, and waits for `middle` and `good`; `middle` waits for `bad` and `good`.
  const [bad, good] = [new Gate(), new Gate()]
  const rules = (...targets: string[]) => targets.map((target) => dependsOn(target, { args: { n: same } }))
  const tasks = {
    cool: {
      bad: task({
        params: { n },
        run: async () => {
          await bad.pass()
          throw new NonRetriable('is bad')
        },
      }),
      good: task({ params: { n }, run: () => good.pass() }),
      middle: task({ params: { n }, dependencies: rules('cool.bad', 'cool.good'), run: () => {} }),
      top: task({ params: { n }, dependencies: rules('cool.middle', 'cool.good'), run: () => {} }),
      beside: task({ params: { n }, dependencies: rules('cool.bad'), run: () => {} }),
    },
  }
  const { jobs, sql, database } = await setup(tasks)
  const [top, , beside] = await jobs.insertMany([
    { task: tasks.cool.top, args: { n: 1 } },
    { task: tasks.cool.middle, args: { n: 1 } },
    { task: tasks.cool.beside, args: { n: 1 }, priority: 5 },
  ])
  const rivals = [await again(database), await again(database)]
  const invocations = await Promise.all(rivals.map((rival) => setup(tasks, { database: rival, deploy: false })))
  const drains = invocations.map(({ jobs }) => jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 }))
  await Promise.all([bad.holds(1), good.holds(1)])
  // The settle of `bad` has locked `middle`, and waits for `beside`; only then comes the settle of `good`.
  const { release } = await hold(database, `select from jobmaster.jobs where id = ${beside!.id} for update`)
  bad.open()
  await waiters(sql, 1)
  good.open()
  await waiters(sql, 2)
  await release()
  await Promise.all(drains)
  expect(await jobs.get(top!.id)).toMatchObject({ status: 'failed' })
  expect(await deadlocks(sql, ...rivals)).toBe(0)
})

test('a cancel of a job that runs waits for none of those that wait for it, as its settle may be doing just that', async () => {
  const gate = new Gate()
  const tasks = {
    cool: {
      foo: task({ params: { n }, run: () => gate.pass() }),
      bar: task({ params: { n }, dependencies: dependsOn('cool.foo', { args: { n: same } }), run: () => {} }),
    },
  }
  const { jobs, sql, database } = await setup(tasks)
  const dependent = await jobs.insert('cool.bar', { n: 1 })
  const draining = jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  const rival = await setup(tasks, { database: await again(database), deploy: false })
  const { release } = await hold(database, `select from jobmaster.jobs where id = ${dependent.id} for update`)
  const [foo] = (await rival.jobs.list({ status: 'running' })).jobs
  expect(await rival.jobs.cancel(foo!.id)).toMatchObject({ status: 'running' })
  gate.open()
  await waiters(sql, 1)
  await release()
  await draining
  expect(await jobs.get(dependent.id)).toMatchObject({ status: 'completed' })
})

test('a deploy that ends a rule does not deadlock with a settle under that rule', async () => {
  const gate = new Gate()
  const foo = task({ params: { n }, run: () => gate.pass() })
  const bar = task({ params: { n }, dependencies: dependsOn(foo, { args: { n: same } }), run: () => {} })
  const { sql, database } = await setup({ cool: { foo, bar } })
  const rivals = [await again(database), await again(database)] as const
  const before = await setup({ cool: { foo, bar } }, { database: rivals[0], deploy: false })
  const job = await before.jobs.insert(bar, { n: 1 })
  const draining = before.jobs.runUntilEmpty(deadlineIn())
  await gate.holds(1)
  // Whoever holds the claim lock makes the settle and the deploy wait for it, in the order they come.
  const { release } = await hold(database, claimLock)
  await before.jobs.insert(bar, { n: 2 })
  const bar2 = task({ params: { n }, run: () => {} })
  const deploying = setup({ cool: { foo, bar: bar2 } }, { database: rivals[1] })
  await waiters(sql, 1)
  gate.open()
  await waiters(sql, 2)
  await release()
  const after = await deploying
  await draining
  await after.jobs.runUntilEmpty(deadlineIn())
  expect(await after.jobs.get(job.id)).toMatchObject({ status: 'completed' })
  expect(await deadlocks(sql, ...rivals)).toBe(0)
})

test('where two claims take back at once what one invocation lost, each a part of it, both see that it was lost together', async () => {
  const gate = new Gate()
  let runs = 0
  const foo = task({ params: { n }, maxAttempts: 1, run: () => (++runs <= 2 ? gate.pass() : undefined) })
  const { jobs, sql, database, clock } = await setup({ cool: { foo } })
  const inserted = await jobs.insertMany([1, 2].map((n) => ({ task: foo, args: { n } })))
  await jobs.runUntilEmpty(deadlineIn(400), { settleMs: 20 })
  await clock.advance({ minutes: 5 })
  // The first has got one of the two, and has not committed yet when the second takes the other.
  const { release } = await hold(database, `select from jobmaster.jobs where id = ${inserted[1]!.id} for update`)
  const first = await hold(database, 'select jobmaster.take_back(jobmaster.clock())')
  await release()
  await jobs.runUntilEmpty(deadlineIn())
  await first.release()
  await jobs.runUntilEmpty(deadlineIn())
  expect(await sql`select status, failures from jobmaster.jobs`).toEqual(
    inserted.map(() => ({ status: 'completed', failures: 0 })),
  )
})

test('a cancel and a failure that come to the same jobs from different sides do not deadlock', async () => {
  // `top`, the oldest, waits for `middle`, and that for `bad`: who cancels `middle` and who fails `bad` both fail `top`.
  const gate = new Gate()
  const rules = (target: string) => dependsOn(target, { args: { n: same } })
  const tasks = {
    cool: {
      bad: task({
        params: { n },
        run: async () => {
          await gate.pass()
          throw new NonRetriable('is bad')
        },
      }),
      middle: task({ params: { n }, dependencies: rules('cool.bad'), run: () => {} }),
      top: task({ params: { n }, dependencies: rules('cool.middle'), run: () => {} }),
    },
  }
  const { jobs, sql, database } = await setup(tasks)
  const top = await jobs.insert(tasks.cool.top, { n: 1 })
  const rivals = [await again(database), await again(database)] as const
  const [draining, cancelling] = await Promise.all(
    rivals.map((rival) => setup(tasks, { database: rival, deploy: false })),
  )
  const drained = draining!.jobs.runUntilEmpty(deadlineIn(), { concurrency: 1 })
  await gate.holds(1)
  const [middle] = await sql`select id from jobmaster.jobs where status = 'blocked' and id <> ${top.id}`
  // The cancel has locked what it cancels, and waits, when the settle comes.
  const { release } = await hold(database, `select from jobmaster.job_keys where job_id = ${middle!.id} for update`)
  const cancelled = cancelling!.jobs.cancel(middle!.id)
  await waiters(sql, 1)
  gate.open()
  await waiters(sql, 2)
  await release()
  await Promise.all([cancelled, drained])
  expect(await jobs.get(top.id)).toMatchObject({ status: 'failed' })
  expect(await deadlocks(sql, ...rivals)).toBe(0)
})

test('a job that was locked while a deploy changed what a limit counts by is started within the new one', async () => {
  const gate = new Gate()
  const step = (per: 'customer' | 'n') =>
    task({ params: { customer: n, n }, processLimit: { max: 1, per: [per] }, run: () => gate.pass() })
  const before = step('customer')
  const { jobs, database } = await setup({ cool: { step: before } })
  const locked = await jobs.insert(before, { customer: 2, n: 1 }, { priority: -1 })
  const { release } = await hold(database, `select from jobmaster.jobs where id = ${locked.id} for update`)
  const after = step('n')
  const deployed = await setup({ cool: { step: after } }, { database })
  await release()

  const full = Array.from({ length: 1_000 }, () => ({ task: after, args: { customer: 1, n: 1 } }))
  const other = { task: after, args: { customer: 3, n: 2 }, priority: -2 }
  await deployed.jobs.insertMany([...full, other])
  const stop = new AbortController()
  const drained = deployed.jobs.runUntilEmpty(deadlineIn(), { signal: stop.signal })
  await gate.holds(2)
  const running = await deployed.jobs.list({ status: 'running' })
  expect(running.jobs.map(({ args }) => args.n).toSorted()).toEqual([1, 2])
  stop.abort()
  gate.open()
  await drained
})

const claimLock = `select pg_advisory_xact_lock(hashtextextended('jobmaster', 0))`

/** One more pool at the same database. */
async function again(database: OpenDatabase): Promise<OpenDatabase> {
  const url = new URL(database.url)
  url.searchParams.set('application_name', 'rival')
  const connection = await connect('node-postgres', url.href)
  let closing: Promise<void> | undefined
  const close = () => (closing ??= connection.close())
  onTestFinished(close)
  return { ...database, ...connection, close }
}

/** What a statement locks, held until the release. */
async function hold(database: OpenDatabase, statement: string) {
  const { sql, close } = await sqlAt(database.url)
  onTestFinished(close)
  await sql(`begin; ${statement}`)
  return { release: () => sql('commit') }
}

/** Until so many statements wait for a lock of somebody else. */
function waiters(sql: Sql, count: number): Promise<void> {
  return until(async () => {
    const waiting =
      await sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    return waiting.length >= count
  })
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5)
}

/** How often Postgres had to end a deadlock between these pools. A session tells of it as it closes. */
async function deadlocks(sql: Sql, ...pools: OpenDatabase[]): Promise<number> {
  await Promise.all(pools.map(({ close }) => close()))
  await until(async () => (await sql`select from pg_stat_activity where application_name = 'rival'`).length === 0)
  const [row] = await sql`select deadlocks from pg_stat_database where datname = current_database()`
  return row!.deadlocks
}
