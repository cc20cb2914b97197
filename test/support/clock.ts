import type { Sql } from './sql.ts'

export interface Duration {
  days?: number
  hours?: number
  minutes?: number
  seconds?: number
  milliseconds?: number
}

/** Moves the time of every function of a deployed schema. A `deploy()` afterwards puts the real clock back. */
export class Clock {
  readonly #sql: Sql
  readonly #schema: string
  #milliseconds = 0

  constructor(sql: Sql, schema: string) {
    this.#sql = sql
    this.#schema = schema
  }

  /** Let this much time pass, on top of the time that passes anyway. */
  async advance({ days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0 }: Duration): Promise<void> {
    this.#milliseconds += (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000 + milliseconds
    await this.#sql(`
      create or replace function ${quoted(this.#schema)}.clock() returns timestamptz language sql volatile as $fn$
        select pg_catalog.clock_timestamp() + interval '${this.#milliseconds} milliseconds'
      $fn$`)
  }

  /** The database's time. */
  async now(): Promise<Date> {
    const [row] = await this.#sql<{ now: Date }>(`select ${quoted(this.#schema)}.clock() as now`)
    return row!.now
  }
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
