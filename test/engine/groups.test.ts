import { createJobMaster, dependsOn, NonRetriable, task } from 'jobmaster'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { Gate } from '../support/gate.ts'
import { setup } from '../support/jobs.ts'

const ran: string[] = []
const load = task({
  params: { n: v.number(), fails: v.optional(v.boolean(), false) },
  run({ n, fails }) {
    ran.push(`load ${n}`)
    if (fails) throw new NonRetriable(`no ${n}`)
    return n
  },
})
const all = task({ params: { b: v.picklist([1, 2, 3]) }, writeAll: ['b'], run: ({ b }) => b })
const report = task({ params: { of: v.string() }, run: ({ of }) => void ran.push(`report ${of}`) })
const alarm = task({ params: { of: v.string() }, run: ({ of }) => void ran.push(`alarm ${of}`) })
const cool = { load, all, report, alarm }
const three = [1, 2, 3].map((n) => ({ task: load, args: { n } }))
const oneFails = [1, 2, 3].map((n) => ({ task: load, args: { n, fails: n === 2 } }))
const callbacks = {
  onComplete: { task: report, args: { of: 'it' } },
  onFailed: { task: alarm, args: { of: 'it' } },
}

async function made() {
  ran.length = 0
  const opened = await setup({ cool })
  return { ...opened, drain: () => opened.jobs.runUntilEmpty(deadlineIn()) }
}

describe('a group', () => {
  test('is inserted with its jobs in one statement, and its counts are one call, of one statement', async () => {
    const { jobs, statements, drain } = await made()
    const { group, jobs: inserted } = await jobs.insertMany(three, { group: true })
    expect(statements.count).toBe(1)
    expect(inserted.map(({ groupId }) => groupId)).toEqual([group.id, group.id, group.id])
    expect(inserted.map(({ args }) => args['n'])).toEqual([1, 2, 3])
    expect((await jobs.get(inserted[0]!.id))?.groupId).toBe(group.id)
    statements.reset()
    expect(await jobs.group(group.id)).toMatchObject({
      id: group.id,
      status: 'open',
      counts: { waiting: 3, completed: 0, failed: 0 },
      total: 3,
      done: 0,
      createdAt: expect.any(Date),
      endedAt: null,
      failure: null,
      onComplete: null,
      onFailed: null,
    })
    expect(statements.count).toBe(1)
    await drain()
    expect(await jobs.group(group.id)).toMatchObject({
      status: 'completed',
      counts: { waiting: 0, completed: 3 },
      total: 3,
      done: 3,
      endedAt: expect.any(Date),
    })
  })

  test('leaves the answer of insertMany without it as it was: the jobs, which are of none', async () => {
    const { jobs } = await made()
    expect((await jobs.insertMany(three)).map(({ groupId }) => groupId)).toEqual([null, null, null])
    expect(await jobs.insertMany([])).toEqual([])
  })

  test('is as many statements to drain as jobs without one', async () => {
    const { jobs, statements, drain } = await made()
    const items = Array.from({ length: 95 }, (_, n) => ({ task: load, args: { n } }))
    await jobs.insertMany([...items, { task: load, args: { n: 95 } }])
    statements.reset()
    await drain()
    const plain = statements.count
    await jobs.insertMany(items, { group: callbacks })
    statements.reset()
    expect((await drain()).completed).toBe(96)
    expect(statements.count).toBeLessThanOrEqual(plain + 1)
  })

  test('is read by SQL too, by the same name', async () => {
    const { jobs, sql } = await made()
    const { group } = await jobs.insertMany(three, { group: true })
    const [row] = await sql`select jobmaster.group(${group.id}::bigint) as found`
    expect(row!.found).toMatchObject({ id: group.id, status: 'open', counts: { waiting: 3 }, total: 3, done: 0 })
  })

  test('is what the children of an ALL job are, by the id of that job', async () => {
    const { jobs, drain } = await made()
    const { id } = await jobs.insert(all, { b: 'ALL' })
    expect(await jobs.group(id)).toMatchObject({ status: 'open', counts: { waiting: 1 }, total: 1, done: 0 })
    await drain()
    expect(await jobs.group(id)).toMatchObject({ id, status: 'completed', counts: { completed: 3 }, total: 3, done: 3 })
  })

  test('has the children of an ALL job in it, in place of that job', async () => {
    const { jobs, drain } = await made()
    const { group, jobs: inserted } = await jobs.insertMany(
      [
        { task: all, args: { b: 'ALL' } },
        { task: load, args: { n: 1 } },
      ],
      { group: callbacks },
    )
    await drain()
    expect(await jobs.group(group.id)).toMatchObject({ status: 'completed', counts: { completed: 4 }, total: 4 })
    expect(await jobs.group(inserted[0]!.id)).toMatchObject({ status: 'completed', counts: { completed: 3 } })
    expect(ran).toEqual(['load 1', 'report it'])
  })

  test('without jobs has completed at once', async () => {
    const { jobs, drain } = await made()
    const { group, jobs: inserted } = await jobs.insertMany([], { group: callbacks })
    expect(inserted).toEqual([])
    expect(group).toEqual({ id: group.id, onComplete: expect.any(Number), onFailed: null })
    expect(await jobs.group(group.id)).toMatchObject({ status: 'completed', total: 0, done: 0 })
    await drain()
    expect(ran).toEqual(['report it'])
  })

  test('is there when its transaction commits, and not when it does not', async () => {
    const { jobs, db } = await made()
    const given: number[] = []
    const undone = db.transaction(async (tx) => {
      given.push((await jobs.insertMany(three, { group: callbacks, tx })).group.id)
      throw new Error('undone')
    })
    // Over neon-http there are no transactions of this kind.
    await expect(undone).rejects.toThrow()
    for (const id of given) await expect(jobs.group(id)).rejects.toMatchObject({ code: 'JM018' })
    expect((await jobs.list()).jobs).toEqual([])
  })

  test('takes in a unique job that is there already, where it has not finished and is of no other group', async () => {
    const { jobs, drain } = await made()
    const { id } = await jobs.insert(load, { n: 1 }, { uniqueKey: 'k' })
    const items = [{ task: load, args: { n: 1 }, uniqueKey: 'k' }]
    const first = await jobs.insertMany(items, { group: callbacks })
    expect(first.jobs).toMatchObject([{ id, existing: true, groupId: first.group.id }])
    const second = await jobs.insertMany(items, { group: true })
    expect(second.jobs).toMatchObject([{ id, existing: true, groupId: first.group.id }])
    expect(await jobs.group(second.group.id)).toMatchObject({ status: 'completed', total: 0 })
    expect(await jobs.group(first.group.id)).toMatchObject({ status: 'open', total: 1 })
    await drain()
    expect(ran).toEqual(['load 1', 'report it'])
  })
})

describe('the jobs of a group', () => {
  test('are listed, page by page, and with a status; so are the children of an ALL job', async () => {
    const { jobs, drain } = await made()
    await jobs.insert(load, { n: 1 })
    const { group, jobs: inserted } = await jobs.insertMany(oneFails, { group: true })
    const expanded = await jobs.insert(all, { b: 'ALL' })
    await drain()
    const ids = inserted.map(({ id }) => id).toReversed()
    const first = await jobs.list({ group: group.id, limit: 2 })
    const rest = await jobs.list({ group: group.id, cursor: first.cursor! })
    expect([...first.jobs, ...rest.jobs].map(({ id }) => id)).toEqual(ids)
    expect(rest.cursor).toBeNull()
    expect((await jobs.list({ group: group.id, status: 'failed' })).jobs).toHaveLength(1)
    const children = await jobs.list({ group: expanded.id })
    expect(children.jobs.length).toBeGreaterThan(1)
    expect(children.jobs.every(({ parentId }) => parentId === expanded.id)).toBe(true)
    for (const none of [0, 999]) expect((await jobs.list({ group: none })).jobs).toEqual([])
    await expect(jobs.list({ group: 1.5 })).rejects.toMatchObject({
      code: 'JM008',
      message: /group must be the id of a group/,
    })
  })
})

describe('what a group calls', () => {
  test('is onComplete alone, once, when all its jobs have completed', async () => {
    const { jobs, drain } = await made()
    const { group } = await jobs.insertMany(three, { group: callbacks })
    expect(await jobs.get(group.onComplete!)).toMatchObject({ task: 'cool.report', status: 'blocked', groupId: null })
    expect(await jobs.explain(group.onComplete!)).toContain(`group: waits for group ${group.id}: 3 of 3 jobs left`)
    await drain()
    await drain()
    expect(ran.filter((one) => !one.startsWith('load'))).toEqual(['report it'])
    expect(await jobs.group(group.id)).toMatchObject({ onComplete: group.onComplete, onFailed: null })
    expect(await jobs.get(group.onComplete!)).toMatchObject({ status: 'completed' })
    expect(await jobs.get(group.onFailed!)).toBeNull()
  })

  test('is onFailed alone, once, when all have ended and one has failed', async () => {
    const { jobs, drain } = await made()
    const { group, jobs: inserted } = await jobs.insertMany(oneFails, { group: callbacks })
    await drain()
    expect(ran).toEqual(['load 1', 'load 2', 'load 3', 'alarm it'])
    expect(await jobs.group(group.id)).toMatchObject({
      status: 'failed',
      counts: { completed: 2, failed: 1 },
      done: 3,
      failure: `cool.load #${inserted[1]!.id} failed: no 2`,
      onComplete: null,
      onFailed: group.onFailed,
    })
    expect(await jobs.get(group.onComplete!)).toBeNull()
  })

  test('is onFailed where the last job was cancelled', async () => {
    const { jobs, drain } = await made()
    const later = new Date(Date.now() + 3_600_000)
    const { jobs: inserted } = await jobs.insertMany([three[0]!, { ...three[1]!, runAt: later }], { group: callbacks })
    await drain()
    expect(ran).toEqual(['load 1'])
    await jobs.cancel(inserted[1]!.id)
    await drain()
    expect(ran).toEqual(['load 1', 'alarm it'])
  })

  test('is onFailed where its jobs are cancelled by a filter, or one is deleted before it ran', async () => {
    const { jobs, drain } = await made()
    const { group } = await jobs.insertMany(three, { group: callbacks })
    expect(await jobs.cancel({ task: 'cool.load' })).toEqual({ jobs: 3, more: false })
    expect(await jobs.group(group.id)).toMatchObject({ status: 'failed', counts: { cancelled: 3 } })
    const { jobs: one } = await jobs.insertMany([three[0]!], { group: callbacks })
    await jobs.delete(one[0]!.id)
    await drain()
    expect(ran).toEqual(['alarm it', 'alarm it'])
  })

  test('is onComplete where a job that had failed was retried before the last one ended', async () => {
    const fails = { now: true }
    const flaky = task({
      params: {},
      run() {
        if (fails.now) throw new NonRetriable('not now')
      },
    })
    const { jobs } = await setup({ cool: { ...cool, flaky } })
    ran.length = 0
    const later = new Date(Date.now() + 3_600_000)
    const { group, jobs: inserted } = await jobs.insertMany(
      [
        { task: flaky, args: {} },
        { ...three[0]!, runAt: later },
      ],
      { group: callbacks },
    )
    await jobs.runUntilEmpty(deadlineIn())
    expect(await jobs.group(group.id)).toMatchObject({ status: 'open', counts: { failed: 1, scheduled: 1 }, done: 1 })
    fails.now = false
    await jobs.retry(inserted[0]!.id)
    await jobs.change(inserted[1]!.id, { runAt: new Date() })
    await jobs.runUntilEmpty(deadlineIn())
    expect(ran).toEqual(['load 1', 'report it'])
  })

  test('is not called again where a job is retried after the group has ended', async () => {
    const { jobs, drain } = await made()
    const { group, jobs: inserted } = await jobs.insertMany(oneFails, { group: callbacks })
    await drain()
    const ended = await jobs.group(group.id)
    await jobs.retry(inserted[1]!.id)
    expect(await jobs.group(group.id)).toMatchObject({ status: 'failed', counts: { waiting: 1 }, done: 2, total: 3 })
    await drain()
    expect(await jobs.group(group.id)).toEqual(ended)
    expect(ran).toEqual(['load 1', 'load 2', 'load 3', 'alarm it', 'load 2'])
  })

  test('is called where a job is lost for good with its invocation', async () => {
    const hangs = task({ params: {}, maxAttempts: 1, run: () => new Promise<void>(() => {}) })
    const { jobs, clock } = await setup({ cool: { ...cool, hangs } })
    ran.length = 0
    await jobs.runUntilEmpty(deadlineIn())
    const { group } = await jobs.insertMany([{ task: hangs, args: {} }], { group: callbacks })
    await jobs.runUntilEmpty(deadlineIn(400), { settleMs: 20 })
    await clock.advance({ minutes: 5 })
    await jobs.runUntilEmpty(deadlineIn())
    expect(await jobs.group(group.id)).toMatchObject({ status: 'failed', failure: expect.stringContaining('failed: ') })
    expect(ran).toEqual(['alarm it'])
  })

  test('is called where a job of it fails with one that it depends on', async () => {
    const needs = task({
      params: {},
      dependencies: dependsOn(load, { withinHours: 1, args: { n: 9, fails: true } }),
      run() {},
    })
    const { jobs } = await setup({ cool: { ...cool, needs } })
    ran.length = 0
    const { group } = await jobs.insertMany([{ task: needs, args: {} }], { group: callbacks })
    await jobs.runUntilEmpty(deadlineIn())
    expect(await jobs.group(group.id)).toMatchObject({ status: 'failed', failure: expect.stringContaining('no 9') })
    expect(ran).toEqual(['load 9', 'alarm it'])
  })

  test('stays called where a deploy changes the dependencies, and where its jobs are pruned meanwhile', async () => {
    const { jobs, database, clock, drain } = await made()
    const later = new Date(Date.now() + 3_600_000)
    const { group } = await jobs.insertMany([oneFails[1]!, { ...three[0]!, runAt: later }], { group: callbacks })
    await drain()
    const changed = task({ params: {}, dependencies: dependsOn(load, { args: { n: 1 } }), run() {} })
    const after = createJobMaster({ db: database.db, tasks: { cool: { ...cool, changed } } })
    await after.deploy()
    expect(await after.get(group.onFailed!)).toMatchObject({ status: 'blocked' })
    await clock.advance({ minutes: 30 })
    expect(await after.prune({ completed: '1 minute', failed: '1 minute' })).toBe(0)
    await clock.advance({ hours: 1 })
    await after.runUntilEmpty(deadlineIn())
    expect(ran).toEqual(['load 2', 'load 1', 'alarm it'])
    await clock.advance({ hours: 1 })
    expect(await after.prune({ completed: '1 minute' })).toBe(2)
    expect(await after.group(group.id)).toMatchObject({ status: 'failed', counts: { failed: 1 }, total: 2, done: 2 })
    expect(await after.prune({ failed: '1 minute' })).toBe(1)
    await expect(after.group(group.id)).rejects.toMatchObject({ code: 'JM018' })
  })
})

test('retention keeps the jobs of a group until it has ended, and the group for as long as one of its jobs', async () => {
  ran.length = 0
  const { jobs, clock, sql } = await setup({ cool }, { keep: { completed: '1 minute', failed: '1 minute' } })
  const drain = () => jobs.runUntilEmpty(deadlineIn())
  const runAt = new Date(Date.now() + 5 * 3_600_000)
  const { group } = await jobs.insertMany([oneFails[1]!, { ...three[0]!, runAt }], { group: callbacks })
  await drain()
  for (let hour = 0; hour < 4; hour += 1) {
    await clock.advance({ hours: 1 })
    await drain()
  }
  expect(await jobs.group(group.id)).toMatchObject({ counts: { failed: 1, scheduled: 1 } })
  await clock.advance({ hours: 2 })
  await drain()
  expect(ran).toEqual(['load 2', 'load 1', 'alarm it'])
  for (let hour = 0; hour < 4; hour += 1) {
    await clock.advance({ hours: 1 })
    await drain()
  }
  expect((await jobs.list()).jobs).toEqual([])
  expect(await sql`select * from jobmaster.groups`).toEqual([])
})

describe('a job that waits for a group', () => {
  test('is blocked until all of the group has completed, and says so', async () => {
    const { jobs, drain, sql } = await made()
    const { group } = await jobs.insertMany(three, { group: true })
    const waits = await jobs.insert(report, { of: 'later' }, { after: group.id, priority: 100 })
    expect(waits).toMatchObject({ task: 'cool.report', status: 'blocked', args: { of: 'later' }, priority: 100 })
    expect(await jobs.get(waits.id)).toEqual(waits)
    expect(await jobs.explain(waits.id)).toBe(
      `cool.report #${waits.id} is blocked\ngroup: waits for group ${group.id}: 3 of 3 jobs left`,
    )
    expect(await sql`select why_not from jobmaster.queue where id = ${waits.id}`).toEqual([
      { why_not: `groups: waits for group ${group.id}` },
    ])
    await drain()
    expect(ran).toEqual(['load 1', 'load 2', 'load 3', 'report later'])
  })

  test('waits for several groups, for ALL jobs, and not at all for what has completed', async () => {
    const { jobs, drain } = await made()
    const done = await jobs.insertMany([], { group: true })
    const first = await jobs.insertMany([three[0]!], { group: true })
    const { id } = await jobs.insert(all, { b: 'ALL' })
    const waits = await jobs.insert(report, { of: 'both' }, { after: [done.group.id, first.group.id, id] })
    expect(await jobs.explain(waits.id)).toContain(`waits for group ${id}: 1 of 1 job left`)
    expect((await jobs.insert(report, { of: 'now' }, { after: done.group.id })).status).toBe('waiting')
    await drain()
    expect(ran).toEqual(['load 1', 'report now', 'report both'])
  })

  test('waits for the children of an ALL job that has expanded already, and not for those that have completed', async () => {
    const gate = new Gate()
    const slow = task({ params: { b: v.picklist([1, 2]) }, writeAll: ['b'], run: () => gate.pass() })
    const { jobs } = await setup({ cool: { ...cool, slow } })
    ran.length = 0
    const { id } = await jobs.insert(slow, { b: 'ALL' })
    const drained = jobs.runUntilEmpty(deadlineIn())
    await gate.holds(2)
    const waits = await jobs.insert(report, { of: 'both' }, { after: id })
    expect(await jobs.explain(waits.id)).toContain(`group: waits for group ${id}: 2 of 2 jobs left`)
    expect(ran).toEqual([])
    gate.open()
    await drained
    await jobs.runUntilEmpty(deadlineIn())
    expect(ran).toEqual(['report both'])
    expect((await jobs.insert(report, { of: 'late' }, { after: id })).status).toBe('waiting')
    await jobs.runUntilEmpty(deadlineIn())
    const second = await jobs.insert(slow, { b: 'ALL' })
    await jobs.runUntilEmpty(deadlineIn())
    expect((await jobs.insert(report, { of: 'late' }, { after: second.id })).status).toBe('waiting')
  })

  test('fails where an ALL job that it waits for is cancelled before it became its children', async () => {
    const { jobs } = await made()
    const { id } = await jobs.insert(all, { b: 'ALL' })
    const [before, after] = [{ of: 'before' }, { of: 'after' }]
    const waits = await jobs.insert(report, before, { after: id })
    await jobs.cancel(id)
    const error = { message: expect.stringContaining(`cool.all #${id} was cancelled`) }
    expect(await jobs.get(waits.id)).toMatchObject({ status: 'failed', error })
    expect(await jobs.get((await jobs.insert(report, after, { after: id })).id)).toMatchObject({
      status: 'failed',
      error,
    })
    expect(await jobs.group(id)).toMatchObject({ status: 'failed', counts: { cancelled: 1 }, total: 1, done: 1 })
  })

  test('fails where a job of the group has failed, saying which and why', async () => {
    const { jobs, drain } = await made()
    const { group, jobs: inserted } = await jobs.insertMany(oneFails, { group: true })
    const waits = await jobs.insert(report, { of: 'x' }, { after: group.id })
    await drain()
    const error = {
      name: 'DependencyFailed',
      message: `group ${group.id}, which this job waits for, did not complete: cool.load #${inserted[1]!.id} failed: no 2`,
    }
    expect(await jobs.get(waits.id)).toMatchObject({ status: 'failed', attempt: 0, error })
    // Whenever it is inserted.
    const late = await jobs.insert(report, { of: 'x' }, { after: group.id })
    expect(late.status).toBe('failed')
    expect(await jobs.get(late.id)).toMatchObject({ status: 'failed', error })
    expect(ran).not.toContain('report x')
    await jobs.retry(late.id)
    await drain()
    expect(ran).toContain('report x')
  })

  test('runs all the same where it is told to, once all have ended', async () => {
    const { jobs, drain } = await made()
    const { group } = await jobs.insertMany(oneFails, { group: true })
    await jobs.insert(report, { of: 'x' }, { after: { groups: group.id, ifFailed: 'run' } })
    await drain()
    expect(ran).toEqual(['load 1', 'load 2', 'load 3', 'report x'])
  })

  test('fails its own group, and what waits for that, when it fails', async () => {
    const { jobs, drain } = await made()
    const first = await jobs.insertMany([oneFails[1]!], { group: true })
    const second = await jobs.insertMany([{ task: report, args: { of: 'x' }, after: first.group.id }], {
      group: callbacks,
    })
    const last = await jobs.insert(report, { of: 'y' }, { after: [second.group.id] })
    await drain()
    expect(await jobs.group(second.group.id)).toMatchObject({ status: 'failed', counts: { failed: 1 } })
    expect(await jobs.get(last.id)).toMatchObject({
      status: 'failed',
      error: { message: expect.stringMatching(/did not complete: .*did not complete: .*no 2/) },
    })
    expect(ran).toEqual(['load 2', 'alarm it'])
  })

  test('keeps its time, and its priority may be changed', async () => {
    const { jobs, drain, clock } = await made()
    const { group } = await jobs.insertMany([three[0]!], { group: true })
    const runAt = new Date(Date.now() + 3_600_000)
    const { id, status } = await jobs.insert(report, { of: 'x' }, { after: group.id, runAt })
    expect(status).toBe('blocked')
    expect(await jobs.change(id, { priority: 3 })).toMatchObject({ status: 'blocked', priority: 3 })
    const other = await jobs.insert(report, { of: 'y' }, { after: group.id })
    expect(await jobs.change(other.id, { runAt })).toMatchObject({ status: 'blocked', runAt })
    await drain()
    expect(ran).toEqual(['load 1'])
    expect(await jobs.get(id)).toMatchObject({ status: 'scheduled', runAt })
    await clock.advance({ hours: 2 })
    await drain()
    expect(ran).toEqual(['load 1', 'report x', 'report y'])
  })

  test('is none that a dependency waits for: a job of the group that needs one like it has its own', async () => {
    const needs = task({
      params: {},
      dependencies: dependsOn(report, { withinHours: 1, args: { of: 'x' } }),
      run: () => void ran.push('needs'),
    })
    const { jobs } = await setup({ cool: { ...cool, needs } })
    ran.length = 0
    const { group } = await jobs.insertMany([{ task: needs, args: {} }], { group: true })
    await jobs.insert(report, { of: 'x' }, { after: group.id })
    await jobs.runUntilEmpty(deadlineIn())
    expect(ran).toEqual(['report x', 'needs', 'report x'])
  })

  test('looks at its own dependencies once the group has ended', async () => {
    const needs = task({
      params: {},
      dependencies: dependsOn(load, { withinHours: 1, args: { n: 1 } }),
      run: () => void ran.push('needs'),
    })
    const { jobs } = await setup({ cool: { ...cool, needs } })
    ran.length = 0
    const { group } = await jobs.insertMany([three[0]!], { group: true })
    await jobs.insert(needs, {}, { after: group.id })
    await jobs.runUntilEmpty(deadlineIn())
    expect(ran).toEqual(['load 1', 'needs'])
  })

  test('is cancelled like any other, and waits for nothing when it is retried', async () => {
    const { jobs, drain } = await made()
    const { group } = await jobs.insertMany(three, { group: callbacks })
    await jobs.cancel(group.onComplete!)
    expect(await jobs.cancel({ status: 'blocked' })).toEqual({ jobs: 1, more: false })
    await drain()
    expect(ran).toEqual(['load 1', 'load 2', 'load 3'])
    expect(await jobs.group(group.id)).toMatchObject({ status: 'completed' })
    expect(await jobs.retry(group.onComplete!)).toMatchObject({ status: 'waiting' })
    await drain()
    expect(ran).toContain('report it')
  })

  test('is inserted by enqueue, in SQL', async () => {
    const { jobs, sql, drain } = await made()
    const { group } = await jobs.insertMany(oneFails, { group: true })
    await sql`select jobmaster.enqueue('cool', 'report', '{"of": "x"}', after => array[${group.id}::bigint])`
    await sql`select jobmaster.enqueue('cool', 'report', '{"of": "y"}', after => array[${group.id}::bigint], if_failed => 'run')`
    await drain()
    expect(ran).toEqual(['load 1', 'load 2', 'load 3', 'report y'])
  })

  test('that is put off by debouncing goes on waiting for its group', async () => {
    const { jobs, clock, drain } = await made()
    const { group } = await jobs.insertMany([three[0]!], { group: true })
    const options = { uniqueKey: 'k', debounceSeconds: 60 }
    const { id } = await jobs.insert(report, { of: 'x' }, { ...options, after: group.id })
    expect(await jobs.insert(report, { of: 'y' }, options)).toMatchObject({ id, existing: true, status: 'blocked' })
    await drain()
    expect(await jobs.get(id)).toMatchObject({ status: 'scheduled', args: { of: 'y' } })
    await clock.advance({ minutes: 2 })
    await drain()
    expect(ran).toEqual(['load 1', 'report y'])
  })
})

describe('what is wrong with a group is said', () => {
  test('an unknown group, also its own, so that no group can wait for itself', async () => {
    const { jobs } = await made()
    const { id } = await jobs.insert(load, { n: 1 })
    const unknown = { code: 'JM018', message: 'cool.load: there is no group 999' }
    await expect(jobs.insert(load, { n: 1 }, { after: 999 })).rejects.toMatchObject(unknown)
    await expect(jobs.group(999)).rejects.toMatchObject({ code: 'JM018', message: 'there is no group 999' })
    const aJob = `there is no group ${id}: #${id} is a job; a group is what insertMany makes with \`group\`, or the children of an ALL job`
    await expect(jobs.insert(load, { n: 1 }, { after: [id] })).rejects.toMatchObject({ message: `cool.load: ${aJob}` })
    await expect(jobs.group(id)).rejects.toMatchObject({ code: 'JM018', message: aJob })
    // A group's id is the next one: its jobs cannot name it, since it is not there before them.
    const { group } = await jobs.insertMany(three, { group: true })
    const own = group.id + three.length + 1
    await expect(jobs.insertMany([{ task: load, args: { n: 1 }, after: own }], { group: true })).rejects.toMatchObject({
      code: 'JM018',
      message: `cool.load: there is no group ${own}`,
    })
    await expect(jobs.group(1.5)).rejects.toMatchObject({ code: 'JM018' })
  })

  test.each([
    [[]],
    ['12'],
    [1.5],
    [[1, null]],
    [{ groups: [] }],
    [{ groups: 1, ifFailed: 'stop' }],
    [{ group: 1 }],
    [-1],
  ])('after: %j, naming it', async (after) => {
    const { jobs } = await made()
    await expect(jobs.insert(load, { n: 1 }, { after: after as never })).rejects.toMatchObject({
      code: 'JM008',
      message: expect.stringMatching(/^cool\.load: after must be the id of a group, a list of them, or .*, got /),
    })
    expect((await jobs.list()).jobs).toEqual([])
  })

  test('a callback that is no task, or has wrong arguments, and nothing is inserted', async () => {
    const { jobs } = await made()
    const onComplete = { task: 'cool.nothing', args: {} }
    await expect(jobs.insertMany(three, { group: { onComplete } })).rejects.toMatchObject({
      code: 'JM001',
      message: 'onComplete: unknown task cool.nothing (known in cool: alarm, all, load, report)',
    })
    const onFailed = { task: alarm, args: { of: 1 } as never }
    await expect(jobs.insertMany(three, { group: { onFailed } })).rejects.toMatchObject({
      code: 'JM004',
      message: 'onFailed: cool.alarm: "of" must be a string, got number',
    })
    await expect(jobs.insertMany([{ task: load, args: { n: 'x' as never } }], { group: callbacks })).rejects.toThrow(
      'cool.load: "n" must be a number, got string',
    )
    expect((await jobs.list()).jobs).toEqual([])
  })
})
