import type { DeployedParameter, DeployedTask } from '../../graph.ts'
import type { Json } from '../../task.ts'
import type { Access } from './access.ts'
import { Heading, Layout } from './layout.tsx'

interface InsertProps {
  access: Access
  task: DeployedTask
  /** What stands in the fields. */
  values: Readonly<Record<string, string>>
  problem?: { argument: string | undefined; message: string } | undefined
}

/** A form of a task's params. What it refuses is what the database refuses. */
export function InsertPage({ access, task, values, problem }: InsertProps) {
  const { base, token } = access
  const path = `${base}/tasks/${encodeURIComponent(task.task)}`
  const known = task.params.some(({ name }) => name === problem?.argument)
  return (
    <Layout title={`Insert ${task.task}`} access={access} here="tasks">
      <p class="crumbs">
        <a href={`${base}/tasks`}>Tasks</a> / <a href={path}>{task.task}</a>
      </p>
      <Heading title={`Insert ${task.task}`} />
      {task.description && <p class="lead">{task.description}</p>}
      {problem && !known && (
        <p class="error" role="alert">
          {problem.message}
        </p>
      )}
      <form method="post" action={`${path}/insert`} class="insert" novalidate>
        <input type="hidden" name="token" value={token} />
        {task.params.map((param) => (
          <Field
            param={param}
            value={values[`arg.${param.name}`]}
            problem={param.name === problem?.argument ? problem.message : undefined}
          />
        ))}
        {task.params.length === 0 && <p class="none">It takes no arguments.</p>}
        <div class="field">
          <label for="priority">Priority</label>
          <input
            id="priority"
            name="priority"
            inputmode="numeric"
            value={values.priority ?? '0'}
            aria-describedby="priority-about"
          />
          <p class="about" id="priority-about">
            Higher runs first.
          </p>
        </div>
        <div class="actions">
          <button type="submit" class="primary">
            Insert
          </button>
          <a class="button quiet" href={path}>
            Back
          </a>
        </div>
      </form>
    </Layout>
  )
}

interface FieldProps {
  param: DeployedParameter
  value: string | undefined
  problem: string | undefined
}

function Field({ param, value, problem }: FieldProps) {
  const id = `arg-${param.name}`
  const attributes = {
    id,
    name: `arg.${param.name}`,
    'aria-describedby': [problem && `${id}-problem`, `${id}-about`].filter(Boolean).join(' '),
    'aria-invalid': problem ? ('true' as const) : undefined,
    autofocus: problem ? true : undefined,
  }
  return (
    <div class="field">
      <label for={id}>
        {param.name} {!param.required && <span class="muted">optional</span>}
      </label>
      {problem && (
        <p class="error-line" id={`${id}-problem`} role="alert">
          {problem}
        </p>
      )}
      {param.options || isBoolean(param) ? (
        <select {...attributes}>
          {(!param.required || value === undefined) && <option value="">{unset(param)}</option>}
          {(param.options ?? [true, false]).map((option) => (
            <option value={text(option)} selected={text(option) === value}>
              {text(option)}
            </option>
          ))}
          {param.writeAll && (
            <option value="ALL" selected={value === 'ALL'}>
              ALL
            </option>
          )}
        </select>
      ) : kindsOf(param).some((kind) => kind === 'object' || kind === 'array') ? (
        <textarea {...attributes} rows={4} spellcheck={false}>
          {value ?? ''}
        </textarea>
      ) : (
        <input
          {...attributes}
          value={value ?? ''}
          inputmode={isNumber(param) ? 'decimal' : undefined}
          autocomplete="off"
        />
      )}
      <p class="about" id={`${id}-about`}>
        {[param.description, about(param)].filter(Boolean).join(' ')}
      </p>
    </div>
  )
}

/** What the fields say, as arguments: JSON where the param takes something else than a string. Empty is left out. */
export function argumentsOf(task: DeployedTask, values: Readonly<Record<string, string>>): Record<string, unknown> {
  const given = task.params.flatMap((param): [string, unknown][] => {
    const value = values[`arg.${param.name}`]
    return value === undefined || value === '' ? [] : [[param.name, valueOf(param, value)]]
  })
  return Object.fromEntries(given)
}

function valueOf(param: DeployedParameter, value: string): unknown {
  const option = param.options?.find((one) => text(one) === value)
  if (option !== undefined) return option
  const kinds = kindsOf(param)
  if (value === 'ALL' && param.writeAll) return value
  if (kinds.length === 1 && kinds[0] === 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    // A string, then: the database says whether it may be one.
    return value
  }
}

function kindsOf({ schema }: DeployedParameter): string[] {
  const kinds = typeof schema === 'object' && schema !== null && 'type' in schema ? schema.type : undefined
  return (Array.isArray(kinds) ? kinds : [kinds]).filter((kind) => typeof kind === 'string')
}

function isNumber(param: DeployedParameter): boolean {
  return kindsOf(param).some((kind) => kind === 'number' || kind === 'integer')
}

function isBoolean(param: DeployedParameter): boolean {
  return kindsOf(param).join() === 'boolean'
}

function unset(param: DeployedParameter): string {
  if (param.default !== undefined) return `default: ${text(param.default)}`
  return param.required ? 'choose' : 'not given'
}

function about(param: DeployedParameter): string {
  if (param.options) return param.writeAll ? 'ALL makes one job for each.' : ''
  const kinds = kindsOf(param).join(' or ') || 'JSON'
  const fallback = param.default === undefined ? '' : `; ${text(param.default)} when empty`
  return `Takes ${kinds}${fallback}.`
}

function text(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
