import { date, integer, numeric, pgSchema, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core'

/**
 * The application's own tables: in the same database as JobMaster's, in a schema of their own.
 * Keys of two columns are unique indexes: `drizzle-kit push` never settles with a composite primary key.
 */
export const reports = pgSchema('reports')

const figure = (name: string) => numeric(name, { precision: 10, scale: 2, mode: 'number' }).notNull()
const updatedAt = timestamp('updated_at', { withTimezone: true }).notNull().defaultNow()

// What the loads write: the sources, cleaned.

export const days = reports.table(
  'days',
  {
    location: text().notNull(),
    day: date({ mode: 'string' }).notNull(),
    weather: text().notNull(),
    precipitation: figure('precipitation'),
    high: figure('high'),
    low: figure('low'),
  },
  (table) => [uniqueIndex('days_key').on(table.location, table.day)],
)

export const airports = reports.table('airports', {
  code: text().primaryKey(),
  name: text().notNull(),
  state: text().notNull(),
  region: text().notNull(),
})

export const flights = reports.table('flights', {
  /** The flight's place in the source, which gives flights no other name. */
  position: integer().primaryKey(),
  departedAt: timestamp('departed_at', { mode: 'string' }).notNull(),
  origin: text().notNull(),
  destination: text().notNull(),
  delay: integer().notNull(),
})

// What the summaries write: a row for each job's arguments, so that a repeated job writes the same row again.

export const months = reports.table(
  'months',
  {
    location: text().notNull(),
    month: integer().notNull(),
    days: integer().notNull(),
    wetDays: integer('wet_days').notNull(),
    precipitation: figure('precipitation'),
    high: figure('high'),
    low: figure('low'),
    updatedAt,
  },
  (table) => [uniqueIndex('months_key').on(table.location, table.month)],
)

export const regions = reports.table(
  'regions',
  {
    region: text().notNull(),
    lateMinutes: integer('late_minutes').notNull(),
    flights: integer().notNull(),
    late: integer().notNull(),
    delay: figure('delay'),
    updatedAt,
  },
  (table) => [uniqueIndex('regions_key').on(table.region, table.lateMinutes)],
)

// What the reports write.

export const climates = reports.table('climates', {
  location: text().primaryKey(),
  warmestMonth: integer('warmest_month').notNull(),
  warmestHigh: figure('warmest_high'),
  coldestMonth: integer('coldest_month').notNull(),
  coldestLow: figure('coldest_low'),
  wettestMonth: integer('wettest_month').notNull(),
  wettestPrecipitation: figure('wettest_precipitation'),
  wetPercent: figure('wet_percent'),
  updatedAt,
})

export const punctuality = reports.table(
  'punctuality',
  {
    lateMinutes: integer('late_minutes').notNull(),
    place: integer().notNull(),
    region: text().notNull(),
    flights: integer().notNull(),
    latePercent: figure('late_percent'),
    delay: figure('delay'),
    updatedAt,
  },
  (table) => [uniqueIndex('punctuality_key').on(table.lateMinutes, table.place)],
)
