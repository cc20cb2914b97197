import { expect, test } from 'vitest'
import {
  attemptsNotEndedOnce,
  beganTooSoon,
  claimedOutOfOrder,
  completedAgain,
  jobsAbove,
  jobsLost,
  makeLedger,
  unitsAbove,
} from '../support/ledger.ts'
import { openDatabase } from '../support/open.ts'

/** A ledger that holds these transitions: job, task, from, to, attempt, units, arguments. */
async function ledgerOf(
  ...transitions: [
    id: number,
    task: string,
    was: string | null,
    status: string,
    attempt: number,
    units?: number,
    args?: object,
  ][]
) {
  const { sql } = await openDatabase()
  await makeLedger(sql)
  for (const [id, task, was, status, attempt, units = 1, args = {}] of transitions) {
    await sql`
      insert into ledger.transitions (job_id, task, was, status, attempt, process_units, system, args)
      values (${id}, ${task}, ${was}, ${status}, ${attempt}, ${units}, 'east', ${JSON.stringify(args)})`
  }
  return sql
}

test('units above a system are seen at the transition that took them', async () => {
  const sql = await ledgerOf(
    [1, 'a.heavy', 'waiting', 'running', 1, 6],
    [2, 'a.heavy', 'waiting', 'running', 1, 6],
    [1, 'a.heavy', 'running', 'completed', 1, 6],
  )
  expect(await unitsAbove(sql, { east: 10 })).toEqual(['east used 12 of 10 units at transition 2'])
  expect(await unitsAbove(sql, { east: 12 })).toEqual([])
})

test('units that are given back are free again', async () => {
  const sql = await ledgerOf(
    [1, 'a.heavy', null, 'waiting', 0, 6],
    [1, 'a.heavy', 'waiting', 'running', 1, 6],
    [1, 'a.heavy', 'running', 'scheduled', 1, 6],
    [2, 'a.heavy', 'waiting', 'running', 1, 6],
  )
  expect(await unitsAbove(sql, { east: 10 })).toEqual([])
})

test('more running jobs of a task than its limit are seen', async () => {
  const sql = await ledgerOf([1, 'a.one', 'waiting', 'running', 1], [2, 'a.one', 'waiting', 'running', 1])
  expect(await jobsAbove(sql, { 'a.one': 1 })).toEqual(['a.one had 2 running, 1 allowed, at transition 2'])
  expect(await jobsAbove(sql, { 'a.one': 2 })).toEqual([])
})

test('an attempt that was settled twice, or never, is seen', async () => {
  const sql = await ledgerOf(
    [1, 'a.one', 'waiting', 'running', 1],
    [1, 'a.one', 'running', 'completed', 1],
    [1, 'a.one', 'running', 'completed', 1],
    [2, 'a.one', 'waiting', 'running', 1],
    [3, 'a.one', 'waiting', 'running', 1],
    [3, 'a.one', 'running', 'waiting', 1],
    [3, 'a.one', 'waiting', 'running', 1],
    [3, 'a.one', 'running', 'completed', 1],
    [4, 'a.one', 'waiting', 'running', 1],
    [4, 'a.one', 'running', 'completed', 1],
  )
  expect(await attemptsNotEndedOnce(sql)).toEqual([
    '#1 attempt 1 began 1 times and ended 2 times',
    '#2 attempt 1 began 1 times and ended 0 times',
    '#3 attempt 1 began 2 times and ended 2 times',
  ])
})

test('a job that did not finish, or did not stay finished, is seen', async () => {
  const sql = await ledgerOf(
    [1, 'a.one', null, 'waiting', 0],
    [2, 'a.one', 'running', 'completed', 1],
    [3, 'a.one', 'running', 'failed', 1],
    [3, 'a.one', 'failed', 'running', 2],
    [3, 'a.one', 'running', 'completed', 2],
  )
  expect(await jobsLost(sql)).toEqual(['#1 a.one is waiting', '#3 a.one went from failed to running'])
})

test('a dependent that began before its dependency had completed is seen', async () => {
  const sql = await ledgerOf(
    [1, 'a.load', 'running', 'completed', 1, 1, { region: 1, day: 1 }],
    [2, 'a.sum', 'waiting', 'running', 1, 1, { region: 1, day: 2 }],
    [3, 'a.sum', 'waiting', 'running', 1, 1, { region: 2, day: 2 }],
    [4, 'a.load', 'running', 'completed', 1, 1, { region: 2, day: 1 }],
  )
  expect(await beganTooSoon(sql, 'a.sum', 'a.load', ['region'])).toEqual(['#3 a.sum began before a.load had completed'])
})

test('a dependency that was not shared is seen', async () => {
  const sql = await ledgerOf(
    [1, 'a.load', 'running', 'completed', 1, 1, { region: 1 }],
    [2, 'a.load', 'running', 'completed', 1, 1, { region: 1 }],
    [3, 'a.load', 'running', 'completed', 1, 1, { region: 2 }],
  )
  expect(await completedAgain(sql, 'a.load')).toEqual(['a.load {"region": 1} completed 2 times'])
})

test('a claim that passed over a job of higher priority is seen', async () => {
  const sql = await ledgerOf()
  const claimed = (claim: number, rank: number, job: number) => sql`
    insert into ledger.transitions (job_id, task, was, status, attempt, process_units, args, claim, rank)
    values (${job}, 'a.light', 'waiting', 'running', 1, 1, '{}', ${claim}, ${rank})`
  await claimed(1, -9, 3)
  await claimed(1, -5, 7)
  await claimed(2, -5, 8)
  expect(await claimedOutOfOrder(sql, 'a.light')).toEqual([])
  await claimed(3, -6, 2)
  expect(await claimedOutOfOrder(sql, 'a.light')).toEqual(['claim 2 took #8 before claim 3 took #2'])
})
