import type { Case } from './case.ts'
import type { PlaceOptions } from './place.ts'
import { bundleThread, startThread, type Thread } from './thread.ts'

/** What a case came to: a value each round, in its unit. */
export interface Measured {
  name: string
  unit: 'jobs/s' | 'ms' | 'MB'
  values: number[]
  statementsPerJob: number | undefined
}

/** Every case once a round, in turn. */
export async function measure(cases: readonly Case[], rounds: number, options: PlaceOptions): Promise<Measured[]> {
  const script = await bundleThread(options.folder)
  const open: { thread: Thread; into: Measured }[] = []
  try {
    // A few at once: what it takes is not measured.
    for (let first = 0; first < cases.length; first += 4) {
      const opening = cases.slice(first, first + 4).map(async ({ name, unit = 'jobs/s' }) => ({
        thread: await startThread(script, { ...options, name }),
        into: { name, unit, values: [], statementsPerJob: undefined },
      }))
      open.push(...(await Promise.all(opening)))
    }
    const measured: Measured[] = open.map(({ into }) => into)
    for (let round = 0; round < rounds; round += 1) {
      // The other way round each time, so that none always follows the same one.
      for (const { thread, into } of round % 2 === 0 ? open : open.toReversed()) {
        await thread.prepare()
        const done = await thread.run()
        into.values.push(valueOf(into.unit, done.jobs, done.seconds))
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
    return measured
  } finally {
    await Promise.all(open.map(({ thread }) => thread.close()))
  }
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
