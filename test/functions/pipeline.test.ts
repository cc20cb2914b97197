import { readFile } from 'node:fs/promises'
import { NonRetriable } from 'jobmaster'
import { describe, expect, test } from 'vitest'
import { createJobs } from '../../functions/jobs.ts'
import { readSource } from '../../functions/sources.ts'
import * as flights from '../../functions/tasks/flights.ts'
import * as reports from '../../functions/tasks/reports.ts'
import { Clock } from '../support/clock.ts'
import { openDatabase } from '../support/open.ts'
import type { Row } from '../support/sql.ts'

describe('the figures', () => {
  test('the months of each location are those of the file', async () => {
    const { sql, run } = await pipeline()
    await run()

    const days = await weatherDays()
    const rows = await sql`select * from reports.months order by location, month`
    expect(rows).toHaveLength(24)
    for (const row of rows) {
      const those = days.filter(({ location, month }) => location === row.location && month === row.month)
      expect(row.days).toBe(those.length)
      expect(row.wet_days).toBe(those.filter(({ precipitation }) => precipitation > 0).length)
      closeTo(row.precipitation, sum(those, 'precipitation') / new Set(those.map(({ year }) => year)).size)
      closeTo(row.high, sum(those, 'high') / those.length)
      closeTo(row.low, sum(those, 'low') / those.length)
    }
  })

  test('the climates name the extreme months', async () => {
    const { sql, run } = await pipeline()
    await run()

    const days = await weatherDays()
    const rows = await sql`select * from reports.climates order by location`
    expect(rows.map(({ location }) => location)).toEqual(['New York', 'Seattle'])
    for (const row of rows) {
      const here = days.filter(({ location }) => location === row.location)
      const months = Array.from({ length: 12 }, (_, index) => here.filter(({ month }) => month === index + 1))
      const mean = (key: 'high' | 'low') => months.map((month) => sum(month, key) / month.length)
      const rain = months.map((month) => sum(month, 'precipitation') / 4)
      expect(row.warmest_month).toBe(1 + mean('high').indexOf(Math.max(...mean('high'))))
      expect(row.coldest_month).toBe(1 + mean('low').indexOf(Math.min(...mean('low'))))
      expect(row.wettest_month).toBe(1 + rain.indexOf(Math.max(...rain)))
      closeTo(row.wettest_precipitation, Math.max(...rain))
      closeTo(row.wet_percent, (100 * here.filter(({ precipitation }) => precipitation > 0).length) / here.length)
    }
  })

  test('the regions are ranked by how many of their flights left late', async () => {
    const { sql, run } = await pipeline()
    await run()

    const rows = await sql`select * from reports.punctuality order by place`
    const departures = await departuresByRegion()
    expect(rows.map(({ place }) => place)).toEqual([1, 2, 3, 4, 5])
    expect(sum(rows, 'flights')).toBe(5_000)
    for (const row of rows) {
      const those = departures.get(row.region) ?? []
      expect(row.flights).toBe(those.length)
      closeTo(row.late_percent, (100 * those.filter((delay) => delay >= 15).length) / those.length)
      closeTo(row.delay, those.reduce((total, delay) => total + delay, 0) / those.length)
    }
    const shares = rows.map(({ late_percent }) => Number(late_percent))
    expect(shares).toEqual(shares.toSorted((a, b) => b - a))
  })

  test('a report with another threshold needs its own regions, from the same loads', async () => {
    const { jobs, sql, run, completed } = await pipeline()
    await run()
    await jobs.insert(reports.delays, { lateMinutes: 60 })
    await jobs.runUntilEmpty(soon())

    expect(await completed()).toMatchObject({ 'flights.load': 2, 'flights.region': 10, 'reports.delays': 2 })
    expect(await sql`select late_minutes, count(*) from reports.punctuality group by 1 order by 1`).toEqual([
      { late_minutes: 15, count: 5 },
      { late_minutes: 60, count: 5 },
    ])
  })
})

describe('freshness', () => {
  const once = {
    'weather.load': 2,
    'weather.month': 24,
    'flights.load': 2,
    'flights.region': 5,
    'reports.climate': 2,
    'reports.delays': 1,
  }

  test('two reports bring about all that they are made from, once', async () => {
    const { run, completed } = await pipeline()
    const report = await run()
    expect(report).toMatchObject({
      stopReason: 'empty',
      completed: 36,
      expanded: 1,
      failed: 0,
      retried: 0,
      remaining: 0,
    })
    expect(await completed()).toEqual(once)
  })

  test('what is fresh is not done again', async () => {
    const { run, completed } = await pipeline()
    await run()
    expect(await run()).toMatchObject({ completed: 3, expanded: 1, blocked: 0 })
    expect(await completed()).toEqual({ ...once, 'reports.climate': 4, 'reports.delays': 2 })
  })

  test('after seven hours the flights are loaded again, not the airports, nor the weather', async () => {
    const { clock, run, completed, sql } = await pipeline()
    await run()
    await clock.advance({ hours: 7 })
    await run()
    expect(await completed()).toEqual({
      ...once,
      'flights.load': 3,
      'flights.region': 10,
      'reports.climate': 4,
      'reports.delays': 2,
    })
    expect(
      await sql`select args ->> 'source' as source, count(*) from jobmaster.jobs
        where status = 'completed' and args ? 'source' group by 1 order by 1`,
    ).toEqual([
      { source: 'airports', count: 1 },
      { source: 'flights', count: 2 },
    ])
  })

  test('after a day the weather is done again too, and writes the same rows', async () => {
    const { clock, run, completed, sql } = await pipeline()
    const rows = () =>
      sql`select location, month, days, precipitation, high, low from reports.months order by location, month`
    await run()
    const before = await rows()
    await clock.advance({ hours: 25 })
    await run()
    expect(await completed()).toMatchObject({ 'weather.load': 4, 'weather.month': 48 })
    expect(await rows()).toEqual(before)
  })
})

describe('what goes wrong', () => {
  test('a source that is not there fails the loads, and the reports say which job and why', async () => {
    const readSource = (file: string) => Promise.reject(new NonRetriable(`${file} is not there`))
    const { run, sql } = await pipeline({ readSource })
    expect(await run()).toMatchObject({ stopReason: 'empty', completed: 0, remaining: 0 })
    expect(await sql`select count(*) from reports.months`).toEqual([{ count: 0 }])
    const [delays] = await sql`
      select error ->> 'message' as message
      from jobmaster.jobs
      join jobmaster.tasks on tasks.id = jobs.task_id
      where task_key = 'delays' and status = 'failed'`
    expect(delays?.message).toContain('flights.region')
  })

  test('a threshold out of range is refused where it is inserted', async () => {
    const { sql } = await pipeline()
    await expect(sql`call jobmaster.insert_job('reports', 'delays', 0, '{"lateMinutes": 0}')`).rejects.toThrow(
      /reports\.delays: "lateMinutes" must be/,
    )
  })

  test('no location but those of the source is taken', async () => {
    const { jobs } = await pipeline()
    // @ts-expect-error -- neither the types nor the database know Paris
    await expect(jobs.insert(reports.climate, { location: 'Paris' })).rejects.toThrow(/must be one of "Seattle"/)
    // @ts-expect-error -- and ALL is for parameters that are write-all
    await expect(jobs.insert(flights.region, { region: 'West', lateMinutes: 'ALL' })).rejects.toThrow(/lateMinutes/)
  })
})

/** The application's jobs in a fresh database, deployed. `run` asks for the two reports and drains. */
async function pipeline(env = { readSource }) {
  const { db, sql } = await openDatabase()
  const jobs = createJobs(db, env)
  await jobs.deploy()
  await sql(await readFile(new URL('../../functions/migrations/0000_reports.sql', import.meta.url), 'utf8'))
  return {
    jobs,
    sql,
    clock: new Clock(sql, 'jobmaster'),
    async run() {
      await jobs.insert(reports.climate, { location: 'ALL' })
      await jobs.insert(reports.delays, {})
      return await jobs.runUntilEmpty(soon())
    },
    /** How many jobs of each task have completed. */
    async completed(): Promise<Record<string, number>> {
      const rows = await sql`
        select type_key || '.' || task_key as task, count(*)
        from jobmaster.jobs
        join jobmaster.tasks on tasks.id = jobs.task_id
        where status = 'completed'
        group by 1`
      return Object.fromEntries(rows.map(({ task, count }) => [task, count]))
    },
  }
}

function soon(): Date {
  return new Date(Date.now() + 30_000)
}

/** Plain splitting, on purpose not what the tasks read with: no field of this file holds a comma. */
async function weatherDays() {
  const [, ...lines] = (await readSource('weather.csv')).trim().split('\n')
  return lines.map((line) => {
    const [location, date, precipitation, high, low] = line.split(',')
    const [year, month] = date!.split('-').map(Number)
    return { location, year, month, precipitation: Number(precipitation), high: Number(high), low: Number(low) }
  })
}

/** The delays of the flights from each region. Names may hold commas, so the fields are counted from the end. */
async function departuresByRegion(): Promise<Map<string, number[]>> {
  const regions: Record<string, string> = {
    Northeast: 'CT ME MA NH RI VT NJ NY PA',
    Midwest: 'IN IL MI OH WI IA KS MN MO NE ND SD',
    South: 'DE DC FL GA MD NC SC VA WV AL KY MS TN AR LA OK TX',
    West: 'AZ CO ID NM MT UT NV WY AK CA HI OR WA',
    Territories: 'PR VI GU',
  }
  const regionOfState = (state: string) =>
    Object.keys(regions).find((name) => regions[name]!.split(' ').includes(state))
  const [, ...lines] = (await readSource('airports.csv')).trim().split('\n')
  const stateOf = new Map(lines.map((line) => [line.split(',')[0]!, line.split(',').at(-4)!]))
  const departures = new Map<string, number[]>()
  for (const { origin, delay } of JSON.parse(await readSource('flights-5k.json'))) {
    const region = regionOfState(stateOf.get(origin)!)!
    departures.set(region, [...(departures.get(region) ?? []), delay])
  }
  return departures
}

function sum<K extends string>(rows: readonly (Row | Record<K, number>)[], key: K): number {
  return rows.reduce((total, row) => total + Number(row[key]), 0)
}

/** The tables hold two decimals. */
function closeTo(actual: unknown, expected: number): void {
  expect(Math.abs(Number(actual) - expected)).toBeLessThanOrEqual(0.005_001)
}
