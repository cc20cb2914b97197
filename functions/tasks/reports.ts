import { eq, sql } from 'drizzle-orm'
import { dependsOn, NonRetriable, same, task } from 'jobmaster'
import * as v from 'valibot'
import { excluded } from '../excluded.ts'
import { climates, punctuality, regions } from '../schema.ts'
import { lateMinutes, region } from './flights.ts'
import { locations, month } from './weather.ts'

export const climate = task({
  description: 'Report the extremes of a location from its twelve months.',
  params: { location: v.picklist(locations) },
  writeAll: ['location'],
  dependencies: dependsOn(month, { withinHours: 24, args: { location: same, month: 'ALL' } }),
  async run({ location }, { db, dependencies }) {
    const months = dependencies.of(month).flatMap(({ result }) => result ?? [])
    const [first, ...others] = months
    // Pruned history stays fresh but has no results any more.
    if (!first || months.length < 12)
      throw new NonRetriable(`${location} has the results of ${months.length} months only.`)

    type Month = (typeof months)[number]
    const most = (better: (a: Month, b: Month) => boolean) =>
      others.reduce((best, month) => (better(month, best) ? month : best), first)
    const warmest = most((a, b) => a.high > b.high)
    const coldest = most((a, b) => a.low < b.low)
    const wettest = most((a, b) => a.precipitation > b.precipitation)
    const total = (key: 'days' | 'wetDays') => months.reduce((sum, month) => sum + month[key], 0)
    const row = {
      location,
      warmestMonth: warmest.month,
      warmestHigh: warmest.high,
      coldestMonth: coldest.month,
      coldestLow: coldest.low,
      wettestMonth: wettest.month,
      wettestPrecipitation: wettest.precipitation,
      wetPercent: (100 * total('wetDays')) / total('days'),
    }
    await db
      .insert(climates)
      .values(row)
      .onConflictDoUpdate({ target: climates.location, set: excluded(climates) })
    return row
  },
})

export const delays = task({
  description: 'Rank the regions by how often their flights leave late.',
  params: { lateMinutes },
  dependencies: dependsOn(region, { withinHours: 6, args: { region: 'ALL', lateMinutes: same } }),
  processLimit: 1, // two at once would write the same places
  async run({ lateMinutes }, { db }) {
    const latePercent = sql<number>`100.0 * ${regions.late} / ${regions.flights}`
    const ranking = db
      .select({
        lateMinutes: regions.lateMinutes,
        place: sql<number>`row_number() over (order by ${latePercent} desc, ${regions.region})`.as('place'),
        region: regions.region,
        flights: regions.flights,
        latePercent: latePercent.as('late_percent'),
        delay: regions.delay,
        updatedAt: sql<Date>`now()`.as('updated_at'),
      })
      .from(regions)
      .where(eq(regions.lateMinutes, lateMinutes))
    const rows = await db
      .insert(punctuality)
      .select(ranking)
      .onConflictDoUpdate({ target: [punctuality.lateMinutes, punctuality.place], set: excluded(punctuality) })
      .returning()
    return { regions: rows.length, latest: rows.find(({ place }) => place === 1)?.region ?? null }
  },
})
