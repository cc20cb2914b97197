import { csvParseRows } from 'd3-dsv'
import { avg, count, eq, gte, sql } from 'drizzle-orm'
import { dependsOn, NonRetriable, task } from 'jobmaster'
import * as v from 'valibot'
import { excluded } from '../excluded.ts'
import { portions } from '../portions.ts'
import { airports, flights, regions } from '../schema.ts'

export const regionNames = ['Northeast', 'Midwest', 'South', 'West', 'Territories'] as const

/** How many minutes late a flight must be to count as late. */
export const lateMinutes = v.pipe(
  v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(600)), 15),
  v.description('From how many minutes of delay on a flight counts as late.'),
)

export const load = task({
  description: 'Load a source of the flight figures.',
  params: { source: v.picklist(['airports', 'flights']) },
  writeAll: ['source'],
  processUnits: 100, // holds a whole file in memory
  async run({ source }, { db, env, signal }) {
    if (source === 'airports') {
      const rows = airportsIn(await env.readSource('airports.csv'))
      for (const portion of portions(rows)) {
        signal.throwIfAborted()
        await db
          .insert(airports)
          .values(portion)
          .onConflictDoUpdate({ target: airports.code, set: excluded(airports) })
      }
      return { rows: rows.length }
    }

    const rows = flightsIn(await env.readSource('flights-5k.json'))
    for (const portion of portions(rows)) {
      signal.throwIfAborted()
      await db
        .insert(flights)
        .values(portion)
        .onConflictDoUpdate({ target: flights.position, set: excluded(flights) })
    }
    // A source that became shorter must not leave its old end behind.
    await db.delete(flights).where(gte(flights.position, rows.length))
    return { rows: rows.length }
  },
})

export const region = task({
  description: 'Sum up the departures from the airports of a region.',
  params: { region: v.picklist(regionNames), lateMinutes },
  writeAll: ['region'],
  dependencies: [
    dependsOn(load, { withinHours: 6, args: { source: 'flights' } }),
    dependsOn(load, { withinHours: 7 * 24, args: { source: 'airports' } }),
  ],
  processUnits: 10,
  async run({ region, lateMinutes }, { db }) {
    const summary = db
      .select({
        region: airports.region,
        lateMinutes: sql<number>`${lateMinutes}::integer`.as('late_minutes'),
        flights: count().as('flights'),
        late: sql<number>`count(*) filter (where ${flights.delay} >= ${lateMinutes})`.as('late'),
        delay: sql<number>`${avg(flights.delay)}`.as('delay'),
        updatedAt: sql<Date>`now()`.as('updated_at'),
      })
      .from(flights)
      .innerJoin(airports, eq(airports.code, flights.origin))
      .where(eq(airports.region, region))
      .groupBy(airports.region)
    const [row] = await db
      .insert(regions)
      .select(summary)
      .onConflictDoUpdate({ target: [regions.region, regions.lateMinutes], set: excluded(regions) })
      .returning()
    if (!row) throw new NonRetriable(`No flight from the region ${region} was loaded.`)
    const { updatedAt, ...figures } = row
    return figures
  },
})

/** Columns: iata, name, city, state, country, latitude, longitude. Airports outside the United States are left out. */
function airportsIn(csv: string) {
  return csvParseRows(csv, ([code = '', name = '', , state = '', country]) =>
    country === 'USA' ? { code, name, state, region: regionOf(state) } : null,
  )
}

function flightsIn(json: string) {
  const rows = v.parse(v.array(Flight), JSON.parse(json))
  return rows.map(({ date, delay, origin, destination }, position) => ({
    position,
    departedAt: date.replaceAll('/', '-'),
    origin,
    destination,
    delay,
  }))
}

const Flight = v.object({ date: v.string(), delay: v.number(), origin: v.string(), destination: v.string() })

// The regions of the US Census Bureau; what is in none of them is a territory.
const states = {
  Northeast: ['CT', 'ME', 'MA', 'NH', 'NJ', 'NY', 'PA', 'RI', 'VT'],
  Midwest: ['IA', 'IL', 'IN', 'KS', 'MI', 'MN', 'MO', 'ND', 'NE', 'OH', 'SD', 'WI'],
  South: ['AL', 'AR', 'DC', 'DE', 'FL', 'GA', 'KY', 'LA', 'MD', 'MS', 'NC', 'OK', 'SC', 'TN', 'TX', 'VA', 'WV'],
  West: ['AK', 'AZ', 'CA', 'CO', 'HI', 'ID', 'MT', 'NM', 'NV', 'OR', 'UT', 'WA', 'WY'],
}

const regionOfState = new Map(
  Object.entries(states).flatMap(([region, codes]) => codes.map((code) => [code, region] as const)),
)

function regionOf(state: string): string {
  return regionOfState.get(state) ?? 'Territories'
}
