import type { Case, OpenCase } from './case.ts'
import { createPlace, type Place } from './place.ts'

/** What a case came to: a value each round, in its unit. */
export interface Measured {
  name: string
  unit: 'jobs/s' | 'ms' | 'MB'
  values: number[]
  statementsPerJob: number | undefined
}

/** Every case once a round, in turn. */
export async function measure(
  cases: readonly Case[],
  options: { rounds: number; url: string; jobs: number; neon: Place['neon'] },
): Promise<Measured[]> {
  const measured: Measured[] = []
  const open: { place: Place; opened: OpenCase; into: Measured }[] = []
  try {
    for (const one of cases) {
      const place = await createPlace(options.url, options)
      const into: Measured = { name: one.name, unit: one.unit ?? 'jobs/s', values: [], statementsPerJob: undefined }
      open.push({ place, opened: await one.open(place), into })
      measured.push(into)
    }
    for (let round = 0; round < options.rounds; round += 1) {
      // The other way round each time, so that none always follows the same one.
      for (const { opened, into } of round % 2 === 0 ? open : open.toReversed()) {
        await opened.prepare()
        globalThis.gc?.()
        const startedAt = performance.now()
        const done = await opened.run()
        const seconds = done.seconds ?? (performance.now() - startedAt) / 1_000
        into.values.push(valueOf(into.unit, done.jobs, seconds))
        if (done.statements !== undefined) into.statementsPerJob = done.statements / done.jobs
        const note = (name: string, unit: Measured['unit'], value: number) => {
          const known = measured.find((one) => one.name === `${into.name}/${name}`)
          if (known) known.values.push(value)
          else measured.push({ name: `${into.name}/${name}`, unit, values: [value], statementsPerJob: undefined })
        }
        for (const [name, part] of Object.entries(done.parts ?? {})) {
          note(name, into.unit, valueOf(into.unit, part.jobs, part.seconds))
        }
        for (const [name, megabytes] of Object.entries(done.sizes ?? {})) note(name, 'MB', megabytes)
        process.stderr.write(`round ${round + 1} ${into.name}: ${shown(into.values.at(-1) ?? 0)} ${into.unit}\n`)
      }
    }
  } finally {
    for (const { opened, place } of open) {
      await opened.close()
      await place.drop()
    }
  }
  return measured
}

function valueOf(unit: Measured['unit'], jobs: number, seconds: number): number {
  return unit === 'ms' ? (seconds * 1_000) / jobs : jobs / seconds
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length >> 1
  const [low = 0, high = 0] =
    sorted.length % 2 === 0 ? sorted.slice(middle - 1, middle + 1) : [sorted[middle], sorted[middle]]
  return (low + high) / 2
}

export function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}
