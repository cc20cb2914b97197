import { jsonProblem } from './json.ts'
import { accepts } from './parameter.ts'
import { type CronReader, scheduleOf, type ScheduleDefinition } from './schedule.ts'
import type { Json } from './task.ts'
import { type FoundTask, hashOfJson } from './tasks.ts'

/** A schedule, as the database is told of it. */
export interface ScheduleJson {
  readonly type_key: string
  readonly schedule_key: string
  /** Changes with all that follows. */
  readonly hash: string
  readonly task: string
  readonly args: Json
  readonly cron: string
  readonly timezone: string
  readonly catch_up: string
}

const catchUps = new Set<unknown>(['none', 'last', 'all'])

/** The schedules in modules, by name; what is wrong with them is added to the problems. */
export function schedulesIn(
  modules: Record<string, object>,
  tasks: ReadonlyMap<string, FoundTask>,
  problems: string[],
): ScheduleJson[] {
  return Object.entries(modules)
    .flatMap(([typeKey, module]) =>
      // What is no module of tasks, catalog.ts says.
      typeof module !== 'object' || module === null
        ? []
        : Object.entries(module).flatMap(([key, value]: [string, unknown]) => {
            const definition = scheduleOf(value)
            return definition ? scheduleJson(typeKey, key, definition, tasks, problems) : []
          }),
    )
    .sort((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1))
}

export function nameOf({ type_key, schedule_key }: Pick<ScheduleJson, 'type_key' | 'schedule_key'>): string {
  return `${type_key}.${schedule_key}`
}

function scheduleJson(
  typeKey: string,
  key: string,
  definition: ScheduleDefinition,
  tasks: ReadonlyMap<string, FoundTask>,
  problems: string[],
): ScheduleJson[] {
  const name = `${typeKey}.${key}`
  const label = `schedule ${name}`
  const { args, cron, timezone, catchUp, reader } = definition
  const task = taskOf(definition, tasks)
  const found = [
    ...keyProblems(key),
    ...(typeof task === 'string' ? [task] : argumentProblems(task, args)),
    ...timeProblems(reader, cron, timezone),
    ...(catchUps.has(catchUp) ? [] : [`catchUp must be "none", "last" or "all", got ${shown(catchUp)}`]),
  ]
  problems.push(...found.map((problem) => `${label}: ${problem}`))
  if (found.length > 0 || typeof task === 'string') return []
  // Looked at above: the recurrence is of texts, and the arguments are JSON.
  const rule = { task: task.name, args: args as Json, cron: String(cron), timezone: String(timezone) }
  const content = { ...rule, catch_up: String(catchUp) }
  return [{ type_key: typeKey, schedule_key: key, hash: hashOfJson(content), ...content }]
}

function keyProblems(key: string): string[] {
  if (key === 'default') return ['it is exported as default, which is no name: export it by a name of its own']
  if (key.includes('.')) return ['its name contains a dot, which ends the type key: rename the export']
  return key.length > 200 ? [`its name has ${key.length} characters, and 200 are allowed: shorten it`] : []
}

/** The task, or why there is none. */
function taskOf({ task }: ScheduleDefinition, tasks: ReadonlyMap<string, FoundTask>): FoundTask | string {
  if (typeof task === 'string') {
    return tasks.get(task) ?? `unknown task ${task}: correct the name, or add its module to tasks`
  }
  return (
    [...tasks.values()].find((one) => one.task === task) ??
    'its task is not among the tasks: export it once, from a module given to createJobMaster as tasks'
  )
}

/** As an insert would refuse them, and by the Valibot schemas besides. */
function argumentProblems({ name, definition: { params, writeAll } }: FoundTask, args: unknown): string[] {
  const problem = jsonProblem(args, 'args')
  if (problem) return [`${name}: ${problem}`]
  if (typeof args !== 'object' || args === null || Array.isArray(args)) return [`${name}: args must be a JSON object`]
  const unknown = Object.keys(args).filter((key) => !Object.hasOwn(params, key))
  const wrong = Object.entries(params).flatMap(([key, schema]) => {
    const value: unknown = Reflect.get(args, key)
    if (value === 'ALL' && writeAll.includes(key)) return []
    if (accepts(schema, value)) return []
    return Object.hasOwn(args, key)
      ? [`${name}: "${key}" ${shown(value)} is refused by its schema: correct the value`]
      : [`${name}: missing argument "${key}"`]
  })
  return [...unknown.map((key) => `${name}: unknown argument "${key}"`), ...wrong]
}

function timeProblems({ recurrenceProblem }: CronReader, cron: unknown, timezone: unknown): string[] {
  const problems = [
    ...(typeof cron === 'string' ? [] : [`cron must be a text such as "0 3 * * *", got ${shown(cron)}`]),
    ...(typeof timezone === 'string' ? [] : [`timezone must be an IANA name, got ${shown(timezone)}`]),
  ]
  if (typeof cron !== 'string' || typeof timezone !== 'string') return problems
  // Both are said: one at a time would take two deploys.
  const clock = recurrenceProblem({ cron: '@daily', timezone })
  const pattern = recurrenceProblem({ cron, timezone: 'UTC' })
  return [clock, pattern].filter((problem) => problem !== undefined)
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100)
}
