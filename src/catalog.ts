import { jsonProblem } from './json.ts'
import { type LimitsJson, limitsOf } from './limits.ts'
import { accepts, isSchema, type Parameter, parameterOf } from './parameter.ts'
import { type ScheduleJson, schedulesIn } from './schedules.ts'
import { type Definition, type DependencyRule, isTask, type Json, referenceOf, ruleOf } from './task.ts'
import { uniqueRuleOf } from './unique-rule.ts'
import { type FoundTask, hashOfJson, type Tasks, tasksIn, tasksOf } from './tasks.ts'

/** The tasks of an application, checked, as the database is told of them. A part of deploying. */
export interface Catalog extends Tasks {
  /** Why it cannot be deployed, a sentence each. */
  readonly problems: readonly string[]
  /** What deploys, and may surprise. */
  readonly warnings: readonly string[]
  /** As `deploy_catalog` takes it. */
  readonly json: CatalogJson
}

interface CatalogJson {
  readonly hash: string
  readonly tasks: readonly TaskJson[]
  readonly schedules: readonly ScheduleJson[]
}

export interface TaskJson extends LimitsJson {
  readonly type_key: string
  readonly task_key: string
  readonly description: string | null
  readonly hash: string
  readonly process_units: number
  readonly max_attempts: number
  readonly timeout_ms: number | null
  readonly unique_rule: Json
  readonly params: readonly Parameter[]
  readonly dependencies: readonly DependencyJson[]
}

interface DependencyJson {
  readonly target: string
  readonly within_seconds: number
  readonly args: Readonly<Record<string, ArgumentJson>>
}

type ArgumentJson =
  | { readonly value: Json }
  | { readonly all: true }
  | { readonly same: string; readonly op?: string; readonly by?: number }

const catalogs = new WeakMap<object, Catalog>()

/** The catalog of `tasks`, modules of tasks by type key. Made once for the same object; never throws. */
export function catalogOf(tasks: Record<string, object>): Catalog {
  const known = catalogs.get(tasks)
  if (known) return known
  const catalog = made(tasks)
  catalogs.set(tasks, catalog)
  return catalog
}

/** Why the catalog cannot be deployed to a system with so many process units. */
export function problemsFor(catalog: Catalog, systemProcessUnits: number): string[] {
  const tooHeavy = catalog.tasks.filter(({ definition }) => definition.processUnits > systemProcessUnits)
  return [
    ...catalog.problems,
    ...tooHeavy.map(
      ({ name, definition }) =>
        `${name} weighs ${definition.processUnits} process units and the system has ${systemProcessUnits}: lower its processUnits, or raise systemProcessUnits`,
    ),
  ]
}

/** A task while the catalog is made. */
interface Entry extends FoundTask {
  params: ReadonlyMap<string, Parameter>
}

function made(modules: Record<string, object>): Catalog {
  const problems: string[] = []
  const warnings: string[] = []
  const tasks = tasksOf(modules)
  const entries = entriesIn(modules, problems)
  const entryOf = new Map(entries.map((entry) => [entry.name, entry]))
  const rules = new Rules(entryOf, problems, warnings)

  const json = entries.map((entry): TaskJson => {
    const { name, definition } = entry
    const content = {
      type_key: entry.typeKey,
      task_key: entry.taskKey,
      description: definition.description ?? null,
      process_units: count(entry, 'processUnits', problems) ?? 1,
      ...limitsOf(name, definition, problems),
      max_attempts: count(entry, 'maxAttempts', problems) ?? 3,
      timeout_ms: count(entry, 'timeoutMs', problems),
      unique_rule: uniqueRuleOf(entry, problems),
      params: [...entry.params.values()],
      dependencies: rules.of(entry),
    }
    const problem = jsonProblem(content, name)
    if (problem) problems.push(`${problem}, so that the task can be deployed`)
    return { ...content, hash: tasks.hashes[name] ?? '' }
  })
  problems.push(...cyclesIn(json))
  const schedules = schedulesIn(modules, entryOf, problems)
  const hash = schedules.length > 0 ? hashOfJson([tasks.hash, schedules]) : tasks.hash
  return Object.freeze({ ...tasks, hash, problems, warnings, json: { hash, tasks: json, schedules } })
}

/** Every task with its parameters, in the order of their names. */
function entriesIn(modules: Record<string, object>, problems: string[]): Entry[] {
  const places = new Map<object, string[]>()
  const found = new Map<string, Entry>()
  for (const [key, module] of Object.entries(modules)) {
    if (isTask(module)) {
      problems.push(`${key} is a task, not a module of tasks: write tasks: { someTypeKey: { ${key} } }`)
      continue
    }
    if (typeof module !== 'object' || module === null) {
      problems.push(`tasks.${key} is not a module of tasks: give an object, such as import * as ${key}`)
      continue
    }
    for (const one of tasksIn(key, module)) {
      const { task, name, place } = one
      if (one.taskKey === 'default') {
        problems.push(`${key} exports a task as default, which is no name: export it by a name of its own`)
        continue
      }
      places.set(task, [...(places.get(task) ?? []), place])
      problems.push(...keyProblems(name, one.typeKey, one.taskKey))
      const first = found.get(name)
      if (first) {
        problems.push(
          `${name} is the name of two tasks, ${first.place} and ${place}: rename one, or change its typeKey`,
        )
        continue
      }
      found.set(name, { ...one, params: parametersOf(name, one.definition, problems) })
    }
  }
  for (const same of places.values()) {
    if (same.length > 1) problems.push(`${same.join(' and ')} are the same task: export it once, or define another`)
  }
  return [...found.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
}

function keyProblems(name: string, typeKey: unknown, taskKey: string): string[] {
  const problems: string[] = []
  for (const [kind, key] of [['type key', typeKey] as const, ['task key', taskKey] as const]) {
    if (typeof key !== 'string' || key === '') problems.push(`${name}: its ${kind} is empty: give it a name`)
    else if (key.length > 200)
      problems.push(`${name}: its ${kind} has ${key.length} characters, and 200 are allowed: shorten it`)
  }
  if (taskKey.includes('.')) {
    problems.push(`${name}: the task key "${taskKey}" contains a dot, which ends the type key: rename the export`)
  }
  return problems
}

function parametersOf(name: string, { params, writeAll }: Definition, problems: string[]): Map<string, Parameter> {
  const parameters = new Map<string, Parameter>()
  for (const [key, schema] of Object.entries(params)) {
    if (!isSchema(schema)) {
      problems.push(`${name}: parameter "${key}" is not a Valibot schema: give one, such as v.string()`)
      continue
    }
    const { isAsync, ...parameter } = parameterOf(key, schema, writeAll.includes(key))
    parameters.set(key, parameter)
    if (isAsync) {
      problems.push(
        `${name}: parameter "${key}" has an asynchronous schema: use a synchronous one, and check the rest in run`,
      )
    } else if (JSON.stringify(parameter.schema) === '{"not":{}}') {
      problems.push(
        `${name}: parameter "${key}" takes nothing that JSON can say: take a string or a number, and v.transform it`,
      )
    } else if (parameter.has_default && !accepts(schema, parameter.default)) {
      problems.push(`${name}: the default of parameter "${key}" is refused by its own schema: change one of them`)
    }
    if (parameter.options?.includes('ALL')) {
      problems.push(
        `${name}: parameter "${key}" has the option "ALL", which stands for every option: rename the option`,
      )
    }
  }
  for (const key of new Set(writeAll)) {
    const parameter = parameters.get(key)
    if (!Object.hasOwn(params, key)) {
      problems.push(
        `${name}: writeAll names "${key}", which is no parameter (${known(parameters)}): remove it, or add it to params`,
      )
    } else if (parameter && !parameter.options) {
      problems.push(
        `${name}: the write-all parameter "${key}" has no fixed options: make it a v.picklist, or remove it from writeAll`,
      )
    }
  }
  return parameters
}

function count(
  { name, definition }: Entry,
  option: 'processUnits' | 'maxAttempts' | 'timeoutMs',
  problems: string[],
): number | null {
  const value = definition[option]
  if (value === undefined || value === null) return null
  if (Number.isInteger(value) && value >= 1 && value <= 2_147_483_647) return value
  problems.push(`${name}: ${option} must be a whole number from 1 to 2147483647, got ${String(value)}: change it`)
  return null
}

/** The dependencies of tasks, as JSON, with what is wrong with them. */
class Rules {
  private readonly entries: ReadonlyMap<string, Entry>
  private readonly problems: string[]
  private readonly warnings: string[]

  constructor(entries: ReadonlyMap<string, Entry>, problems: string[], warnings: string[]) {
    this.entries = entries
    this.problems = problems
    this.warnings = warnings
  }

  of(entry: Entry): DependencyJson[] {
    return entry.definition.dependencies.flatMap((dependency, index) => {
      const rule = ruleOf(dependency)
      const target = rule && this.target(entry, rule, index)
      if (!rule) this.problems.push(`${entry.name}: dependency ${index + 1} is none: make it with dependsOn(…)`)
      return rule && target ? [this.json(entry, rule, target)] : []
    })
  }

  private target({ name }: Entry, { target }: DependencyRule, index: number): Entry | undefined {
    if (typeof target === 'string') {
      const found = this.entries.get(target)
      if (!found) {
        const all = [...this.entries.keys()]
        const others = all.length > 20 ? [...all.slice(0, 20), '…'] : all
        this.problems.push(
          `${name} depends on the unknown task ${target} (known: ${others.join(', ')}): correct the name, or add its module to tasks`,
        )
      }
      return found
    }
    if (!isTask(target)) {
      this.problems.push(
        `${name}: dependency ${index + 1} has no task: where two modules import each other, name the task, as in dependsOn('cool.foo')`,
      )
      return undefined
    }
    const found = [...this.entries.values()].find(({ task }) => task === target)
    if (!found) {
      this.problems.push(
        `${name}: the task of dependency ${index + 1} is not among the tasks: export it once, from a module given to createJobMaster as tasks`,
      )
    }
    return found
  }

  private json(entry: Entry, rule: DependencyRule, target: Entry): DependencyJson {
    const label = `${entry.name} depends on ${target.name}`
    const args: Record<string, ArgumentJson> = {}
    for (const [key, argument] of Object.entries(rule.args)) {
      const parameter = target.params.get(key)
      if (!parameter) {
        this.problems.push(
          `${label} with the unknown argument "${key}" (${known(target.params)}): remove it, or rename it`,
        )
        continue
      }
      const json = this.argument(label, entry, target, parameter, argument)
      if (json) args[key] = json
    }
    const combinations = Object.entries(args)
      .filter(([, argument]) => 'all' in argument)
      .reduce((product, [key]) => product * (target.params.get(key)?.options?.length ?? 1), 1)
    if (combinations > 10_000) {
      this.problems.push(
        `${label} with "ALL" for ${combinations} combinations, and 10000 are allowed: give some arguments a value`,
      )
    }
    for (const { name, required, nullable, options } of target.params.values()) {
      if (!required || nullable || options || Object.hasOwn(rule.args, name)) continue
      this.warnings.push(
        `${label} and does not give its argument "${name}": the dependency can be met but not started; give the argument, or give the parameter a default`,
      )
    }
    return { target: target.name, within_seconds: this.window(label, rule), args }
  }

  private argument(
    label: string,
    entry: Entry,
    target: Entry,
    parameter: Parameter,
    argument: unknown,
  ): ArgumentJson | undefined {
    const key = parameter.name
    const reference = referenceOf(argument)
    if (reference) {
      const name = reference.kind === 'as' ? reference.name : key
      const source = entry.params.get(name)
      if (!source) {
        this.problems.push(
          `${label} with the same "${name}", and has no such parameter (${known(entry.params)}): give a value, or use same.as('other')`,
        )
        return undefined
      }
      if (reference.kind !== 'number') {
        const [left, right] = [typesOf(source.schema), typesOf(parameter.schema)]
        if (left && right && !left.some((type) => type !== 'null' && right.includes(type))) {
          this.problems.push(
            `${label} with the same "${name}", which is a ${left.join(' or ')} where "${key}" is a ${right.join(' or ')}: give a value, or change a type`,
          )
        }
        return { same: name }
      }
      const { op, by } = reference
      for (const [owner, schema] of [[entry, source.schema] as const, [target, parameter.schema] as const]) {
        if (typesOf(schema)?.includes('number') !== false) continue
        this.problems.push(
          `${label} with arithmetic on "${key}", which is not a number in ${owner.name}: use same alone, or give a value`,
        )
      }
      if (!Number.isFinite(by) || (op === 'dividedBy' && by === 0)) {
        this.problems.push(`${label} with "${key}" as same.${op}(${by}), which has no value: use another number`)
        return undefined
      }
      return { same: name, op, by }
    }
    if (argument === 'ALL') {
      if (!parameter.options) {
        this.problems.push(
          `${label} with "ALL" for "${key}", which has no fixed options: give a value, or make it a v.picklist`,
        )
        return undefined
      }
      return { all: true }
    }
    const problem = jsonProblem(argument, `"${key}"`)
    const schema = target.definition.params[key]
    if (problem) this.problems.push(`${label}: ${problem}`)
    else if (schema && !accepts(schema, argument)) {
      this.problems.push(
        `${label} with "${key}" ${JSON.stringify(argument).slice(0, 100)}, which its schema refuses: correct the value`,
      )
    }
    // Nothing that JSON cannot say was found.
    return problem ? undefined : { value: argument as Json }
  }

  /** In seconds: two minutes to 30 days. */
  private window(label: string, { withinHours }: DependencyRule): number {
    const longest = 30 * 24 * 3_600
    if (withinHours === undefined) return longest
    if (typeof withinHours !== 'number' || !(withinHours > 0)) {
      this.problems.push(
        `${label} within ${String(withinHours)} hours: give a number of hours above 0, or leave withinHours out`,
      )
      return longest
    }
    return Math.min(Math.max(Math.round(withinHours * 3_600), 120), longest)
  }
}

/** A sentence for each way in which tasks depend on themselves. */
function cyclesIn(tasks: readonly TaskJson[]): string[] {
  const targets = new Map(
    tasks.map(({ type_key, task_key, dependencies }) => [
      `${type_key}.${task_key}`,
      new Set(dependencies.map(({ target }) => target)),
    ]),
  )
  const problems: string[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (name: string) => {
    const start = path.indexOf(name)
    if (start >= 0) {
      const cycle = [...path.slice(start), name].join(' → ')
      problems.push(
        path.length - start === 1
          ? `${name} depends on itself: remove that dependency`
          : `tasks depend on each other in a cycle, ${cycle}: remove one of these dependencies`,
      )
    }
    if (start >= 0 || done.has(name)) return
    path.push(name)
    for (const target of targets.get(name) ?? []) visit(target)
    path.pop()
    done.add(name)
  }
  for (const name of targets.keys()) visit(name)
  return problems
}

function known(params: ReadonlyMap<string, Parameter>): string {
  return params.size > 0 ? `known: ${[...params.keys()].join(', ')}` : 'it takes none'
}

/** The JSON types of the values that a schema takes; undefined where it does not say. */
function typesOf(schema: Json): string[] | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined
  const { type, enum: values, anyOf } = schema as { type?: Json; enum?: Json; anyOf?: Json }
  if (isList(values)) return [...new Set(values.map((value) => (value === null ? 'null' : typeof value)))]
  if (isList(anyOf)) {
    const all = anyOf.map(typesOf)
    return all.every((types) => types !== undefined) ? [...new Set(all.flat())] : undefined
  }
  const types = isList(type) ? type : type === undefined ? undefined : [type]
  return types?.map((name) => (name === 'integer' ? 'number' : String(name)))
}

function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value)
}
