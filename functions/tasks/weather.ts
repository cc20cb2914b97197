import { csvParseRows } from 'd3-dsv'
import { and, avg, count, eq, sql, sum } from 'drizzle-orm'
import { dependsOn, NonRetriable, same, task } from 'jobmaster'
import * as v from 'valibot'
import { excluded } from '../excluded.ts'
import { portions } from '../portions.ts'
import { days, months } from '../schema.ts'

export const locations = ['Seattle', 'New York'] as const

export const load = task({
  description: 'Load the daily weather of a location into the table of days.',
  params: { location: v.picklist(locations) },
  writeAll: ['location'],
  processUnits: 100, // holds a whole file in memory
  async run({ location }, { db, env, signal }) {
    // Columns: location, date, precipitation, temp_max, temp_min, wind, weather.
    // (csvParse would build a function from text, which Workers refuse; csvParseRows does not.)
    const rows = csvParseRows(await env.readSource('weather.csv'))
      .filter(([name]) => name === location)
      .map(([, day = '', precipitation, high, low, , weather = '']) => ({
        location,
        day,
        weather,
        precipitation: Number(precipitation),
        high: Number(high),
        low: Number(low),
      }))
    for (const portion of portions(rows)) {
      signal.throwIfAborted()
      await db
        .insert(days)
        .values(portion)
        .onConflictDoUpdate({ target: [days.location, days.day], set: excluded(days) })
    }
    return { days: rows.length }
  },
})

export const month = task({
  description: 'Sum up one calendar month of a location over all its years.',
  params: {
    location: v.picklist(locations),
    month: v.picklist([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
  },
  writeAll: ['location', 'month'],
  dependencies: dependsOn(load, { withinHours: 24, args: { location: same } }),
  processLimit: 6, // leaves the database some connections for everybody else
  async run({ location, month }, { db }) {
    const years = sql`count(distinct extract(year from ${days.day}))`
    const summary = db
      .select({
        location: days.location,
        month: sql<number>`${month}::integer`.as('month'),
        days: count().as('days'),
        wetDays: sql<number>`count(*) filter (where ${days.precipitation} > 0)`.as('wet_days'),
        precipitation: sql<number>`${sum(days.precipitation)} / ${years}`.as('precipitation'),
        high: sql<number>`${avg(days.high)}`.as('high'),
        low: sql<number>`${avg(days.low)}`.as('low'),
        updatedAt: sql<Date>`now()`.as('updated_at'),
      })
      .from(days)
      .where(and(eq(days.location, location), sql`extract(month from ${days.day}) = ${month}`))
      .groupBy(days.location)
    const [row] = await db
      .insert(months)
      .select(summary)
      .onConflictDoUpdate({ target: [months.location, months.month], set: excluded(months) })
      .returning()
    if (!row) throw new NonRetriable(`No day of month ${month} in ${location} was loaded.`)
    const { updatedAt, ...figures } = row
    return figures
  },
})
