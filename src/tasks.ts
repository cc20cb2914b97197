import { getDotPath, safeParse, strictObject } from 'valibot'
import { type CronReader, cronReaderOf } from './schedule.ts'
import { type Definition, definitionOf, isTask, type Json, referenceOf, ruleOf, type Task } from './task.ts'

/** The tasks of an application, by their names: all that an invocation needs of them. `catalog.ts` checks them. */
export interface Tasks {
  /** Changes when any task does. */
  readonly hash: string
  /** The hash of each task, by its name. */
  readonly hashes: Readonly<Record<string, string>>
  /** In the order of their names. */
  readonly tasks: readonly NamedTask[]
  readonly byName: ReadonlyMap<string, NamedTask>
  /** The name of a task; undefined where it is not one of these, or under two names. */
  nameOf(task: object): string | undefined
  /** Where there are schedules. */
  readonly cronReader: CronReader | undefined
}

export interface NamedTask {
  /** `cool.bar` */
  readonly name: string
  readonly typeKey: string
  readonly taskKey: string
  readonly hash: string
  readonly definition: Definition
  /** What `run` gets for a job's stored arguments, or why they are refused. */
  parse(args: Readonly<Record<string, Json>>): { ok: true; args: object } | { ok: false; problem: string }
}

const known = new WeakMap<object, Tasks>()

/** The tasks in modules, by type key. Made once for the same object; never throws, and leaves out what has no name. */
export function tasksOf(modules: Record<string, object>): Tasks {
  const made = known.get(modules) ?? make(modules)
  known.set(modules, made)
  return made
}

/** A task where it was found: `place` is the key of its module, and the name that it is exported by. */
export interface FoundTask {
  task: Task
  definition: Definition
  place: string
  typeKey: string
  taskKey: string
  name: string
}

/** Every task in a module of that type key, in the order exported. */
export function tasksIn(key: string, module: object): FoundTask[] {
  return Object.entries(module).flatMap(([taskKey, task]: [string, unknown]) => {
    if (!isTask(task)) return []
    const definition = definitionOf(task)
    const typeKey = definition.typeKey ?? key
    return [{ task, definition, place: `${key}.${taskKey}`, typeKey, taskKey, name: `${typeKey}.${taskKey}` }]
  })
}

function make(modules: Record<string, object>): Tasks {
  const found = new Map<string, FoundTask>()
  for (const [key, module] of Object.entries(modules)) {
    if (isTask(module) || typeof module !== 'object' || module === null) continue
    for (const one of tasksIn(key, module)) {
      // The first of a name; deploy refuses a second, and a default export.
      if (one.taskKey !== 'default' && !found.has(one.name)) found.set(one.name, one)
    }
  }
  const sorted = [...found.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
  const names = new Map<object, string>()
  const namedTwice = new Set<object>()
  for (const { task, name } of sorted) {
    if (names.has(task)) namedTwice.add(task)
    else names.set(task, name)
  }
  const tasks = sorted.map(({ name, typeKey, taskKey, definition }): NamedTask => {
    const parse = parserOf(name, definition)
    return Object.freeze({ name, typeKey, taskKey, definition, parse, hash: hashOf(definition, names) })
  })
  const hashes = Object.fromEntries(tasks.map(({ name, hash }) => [name, hash]))
  return Object.freeze({
    hash: cyrb53(JSON.stringify(hashes)),
    hashes,
    cronReader: cronReaderOf(modules),
    tasks,
    byName: new Map(tasks.map((task) => [task.name, task])),
    nameOf: (task: object) => (namedTwice.has(task) ? undefined : names.get(task)),
  })
}

function parserOf(name: string, { params }: Definition): NamedTask['parse'] {
  const schema = strictObject(params)
  return (args) => {
    const unknown = Object.keys(args).find((key) => !Object.hasOwn(params, key))
    if (unknown !== undefined) return { ok: false, problem: `${name}: unknown argument "${unknown}"` }
    const { success, output, issues } = safeParse(schema, args, { abortEarly: true })
    if (success) return { ok: true, args: output }
    const [issue] = issues
    const [key, ...rest] = (getDotPath(issue) ?? '').split('.')
    if (key && !Object.hasOwn(args, key)) return { ok: false, problem: `${name}: missing argument "${key}"` }
    const place = [`"${key}"`, ...rest].join('.')
    return { ok: false, problem: `${name}: ${place}: ${issue.message}` }
  }
}

/** Raised where the catalog comes to say the same definition otherwise: deployed catalogs are then replaced. */
const format = 1

/**
 * Changes with all that the catalog says of a task. It goes by the Valibot schemas as they are, so that an invocation
 * need not bring what makes JSON Schema of them. Code is left out: a bundler writes the same function otherwise.
 */
function hashOf(definition: Definition, names: ReadonlyMap<object, string>): string {
  const { params, dependencies, run: _, writeAll, ...rest } = definition
  const rules = dependencies.map((dependency) => {
    const rule = ruleOf(dependency)
    const args = Object.entries(rule?.args ?? {}).map(([key, value]) => [key, referenceOf(value) ?? { value }])
    const target = typeof rule?.target === 'object' ? names.get(rule.target) : rule?.target
    return [target, rule?.withinHours, args]
  })
  try {
    return cyrb53(stable([format, rest, writeAll.toSorted(), Object.entries(params), rules]))
  } catch {
    // A schema that contains itself without v.lazy, or whose getter throws.
    return cyrb53(stable([format, rest, Object.keys(params)]))
  }
}

/** A hash of JSON, whatever the order of its keys. */
export function hashOfJson(value: unknown): string {
  return cyrb53(stable(value))
}

/** How many v.lazy in one another are looked into: one may give a new schema each time. */
const lazyLevels = 3

/** JSON with the keys of objects in order, and with what JSON does not have as text. */
function stable(value: unknown, lazies = 0): string {
  return JSON.stringify(value, (key, part: unknown) => {
    if (typeof part === 'function') {
      const isLazy = key === 'getter' && part.length === 0 && lazies < lazyLevels
      return isLazy ? stable(part(), lazies + 1) : undefined
    }
    const isBeyondJson = typeof part === 'bigint' || typeof part === 'symbol' || part instanceof RegExp
    if (isBeyondJson || (typeof part === 'number' && !Number.isFinite(part))) return `${typeof part} ${String(part)}`
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    const isValibots = 'kind' in part && typeof part.kind === 'string'
    return Object.fromEntries(
      Object.entries(part)
        .filter(([name]) => !(isValibots && words.has(name)))
        .sort(([left], [right]) => (left < right ? -1 : 1)),
    )
  })
}

/** What a schema says to people, or of itself to other libraries. */
const words = new Set(['message', 'expects', '~standard'])

/** Tells definitions apart, and nothing more: cyrb53 (public domain), synchronous as Web Crypto is not. */
function cyrb53(text: string): string {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    high = Math.imul(high ^ unit, 2_654_435_761)
    low = Math.imul(low ^ unit, 1_597_334_677)
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909)
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909)
  return (4_294_967_296 * (2_097_151 & low) + (high >>> 0)).toString(16).padStart(14, '0')
}
