import { dependsOn, same, task } from 'jobmaster'
import * as v from 'valibot'
import { tasksOf } from '../../src/tasks.ts'

/** A task as the model knows it; `modulesOf` makes the real one of it. */
export interface Definition {
  /** `[1, 2]`: a choice of these. A number: optional, with that default. `'text'`: required, and any. */
  params: Record<string, number[] | number | 'text'>
  writeAll?: string[]
  units: number
  limit?: number
  maxAttempts: number
  timeoutMs?: number
  dependencies?: { on: string; withinMinutes: number; args: Record<string, 'same' | 'ALL' | number> }[]
}

/** What one version of an application has. */
export interface Catalog {
  definitions: Readonly<Record<string, Definition>>
  /** By which a claim says that its code has a task as it is deployed. */
  hashes: Readonly<Record<string, string>>
}

const leaf: Definition = { params: { n: [1, 2] }, writeAll: ['n'], units: 2, maxAttempts: 2 }
const heavy: Definition = { params: { n: [1, 2] }, units: 7, limit: 2, maxAttempts: 2 }
const brief: Definition = { params: { n: [1, 2], k: 7 }, units: 1, limit: 3, maxAttempts: 3, timeoutMs: 20_000 }
const grid: Definition = { params: { x: [1, 2], y: [3, 4] }, writeAll: ['x', 'y'], units: 1, maxAttempts: 1 }
const middle: Definition = {
  params: { n: [1, 2] },
  units: 3,
  limit: 2,
  maxAttempts: 3,
  dependencies: [{ on: 'leaf', withinMinutes: 120, args: { n: 'same' } }],
}
/** A chain and a diamond: it needs leaf by itself, and by way of middle. */
const top: Definition = {
  params: { n: [1, 2] },
  writeAll: ['n'],
  units: 1,
  limit: 1,
  maxAttempts: 2,
  dependencies: [
    { on: 'middle', withinMinutes: 60, args: { n: 'same' } },
    { on: 'leaf', withinMinutes: 30, args: { n: 1 } },
  ],
}
const fan: Definition = {
  params: {},
  units: 6,
  maxAttempts: 2,
  dependencies: [{ on: 'leaf', withinMinutes: 60, args: { n: 'ALL' } }],
}
/** Needs any heavy job at all, and one of brief whose default is another. */
const loose: Definition = {
  params: { n: [1, 2] },
  units: 1,
  maxAttempts: 2,
  dependencies: [
    { on: 'heavy', withinMinutes: 60, args: {} },
    { on: 'brief', withinMinutes: 60, args: { n: 'same' } },
  ],
}
const named: Definition = { params: { name: 'text' }, units: 1, maxAttempts: 2 }
/** Its dependency can be met but not started: nobody gives the name. */
const stuck: Definition = {
  params: {},
  units: 2,
  maxAttempts: 2,
  dependencies: [{ on: 'named', withinMinutes: 60, args: {} }],
}

const all = { leaf, heavy, brief, grid, middle, top, fan, loose, named, stuck }

/** The versions that a redeploy goes between. */
const versions: Record<string, Definition>[] = [
  all,
  // Other rules of freshness, and other limits.
  {
    ...all,
    middle: { ...middle, limit: 1, maxAttempts: 1, dependencies: [] },
    top: { ...top, dependencies: [{ on: 'middle', withinMinutes: 30, args: { n: 'same' } }] },
    leaf: { ...leaf, units: 3 },
  },
  // Two tasks are gone, and one depends on more.
  {
    leaf,
    heavy: { ...heavy, units: 8 },
    grid,
    middle,
    top,
    named,
    stuck,
    fan: { ...fan, dependencies: [...fan.dependencies!, { on: 'middle', withinMinutes: 120, args: { n: 2 } }] },
  },
]

export const catalogs: readonly Catalog[] = versions.map((definitions) => ({
  definitions,
  hashes: tasksOf(modulesOf(definitions, () => {})).hashes,
}))

/** The real tasks; `run` is told what is run. */
export function modulesOf(
  definitions: Readonly<Record<string, Definition>>,
  run: (id: number) => Promise<void> | void,
): { m: Record<string, object> } {
  const m = Object.entries(definitions).map(([name, definition]) => [name, taskOf(definition, run)])
  return { m: Object.fromEntries(m) }
}

function taskOf(definition: Definition, run: (id: number) => Promise<void> | void): object {
  const { params, writeAll = [], units, limit, maxAttempts, timeoutMs, dependencies = [] } = definition
  // The types of task() go by what is written out, and this is not.
  const define = task as (given: object) => object
  return define({
    params: Object.fromEntries(Object.entries(params).map(([name, values]) => [name, schemaOf(values)])),
    writeAll,
    processUnits: units,
    maxAttempts,
    ...(limit !== undefined && { processLimit: limit }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    dependencies: dependencies.map(({ on, withinMinutes, args }) =>
      dependsOn<string>(`m.${on}`, {
        withinHours: withinMinutes / 60,
        args: Object.fromEntries(Object.entries(args).map(([name, value]) => [name, value === 'same' ? same : value])),
      } as object),
    ),
    run: (_: object, { job }: { job: { id: number } }) => run(job.id),
  })
}

function schemaOf(values: number[] | number | 'text'): v.GenericSchema {
  if (values === 'text') return v.string()
  return typeof values === 'number' ? v.optional(v.number(), values) : v.picklist(values)
}
