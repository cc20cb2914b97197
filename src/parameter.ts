import { type ConversionConfig, type JsonSchema, toJsonSchema } from '@valibot/to-json-schema'
import { type GenericSchema, getDescription, optional, safeParse, unknown } from 'valibot'
import { patternOf } from './pattern.ts'
import type { Json } from './task.ts'

/** What the catalog keeps of a parameter: all that the database needs to check an argument. */
export interface Parameter {
  name: string
  /** JSON Schema of what the parameter takes. It never refuses what Valibot accepts, but for arrays given as objects. */
  schema: Json
  /** A job must give it: it is neither optional nor has it a default. */
  required: boolean
  /** Null is a value of its own, beside the options. */
  nullable: boolean
  /** `default` is written into the arguments. A default that is a function is left to Valibot, when the job starts. */
  has_default: boolean
  default?: Json
  /** The values of a select-from parameter, without null, in the order declared. */
  options: readonly Json[] | null
  write_all: boolean
  /** The schema says all that Valibot checks; else it is checked again, by Valibot, when the job starts. */
  exact: boolean
  description: string | null
}

/** A Valibot schema as a parameter, or why it cannot be one. */
export function parameterOf(name: string, schema: GenericSchema, writeAll: boolean): Parameter & { isAsync: boolean } {
  const { json, exact, isAsync } = converted(schema)
  const node = nodeOf(schema)
  const isOptional = ['optional', 'exact_optional', 'nullish'].includes(node.type)
  const hasDefault = isOptional && node.default !== undefined && typeof node.default !== 'function'
  return {
    name,
    schema: json,
    required: !isOptional && !('fallback' in node),
    nullable: acceptsNull(node),
    has_default: hasDefault,
    // Checked to be JSON with the rest of the catalog.
    ...(hasDefault && { default: node.default as Json }),
    options: optionsOf(node),
    write_all: writeAll,
    exact,
    description: descriptionOf(schema),
    isAsync,
  }
}

/** What a Valibot schema or action is made of, as far as it is looked at here. */
interface Node {
  readonly kind: string
  readonly type: string
  readonly async?: boolean
  readonly [property: string]: unknown
}

function nodeOf(schema: GenericSchema | Node): Node {
  // Valibot's schemas are plain objects, with properties by their type.
  return schema as unknown as Node
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'kind' in value && 'type' in value
}

export function isSchema(value: unknown): value is GenericSchema {
  return isNode(value) && value.kind === 'schema' && '~run' in value
}

/** A schema's verdict on a value; a schema that throws, or would answer later, accepts nothing. */
export function accepts(schema: GenericSchema, value: unknown): boolean {
  try {
    return safeParse(schema, value).success
  } catch {
    return false
  }
}

function converted(schema: GenericSchema): { json: Json; exact: boolean; isAsync: boolean } {
  const simple = new Simple()
  try {
    const { $schema: _, ...json } = toJsonSchema(simple.schema(schema), simple.config)
    // What is made of options and requirements, and no others, is JSON; the catalog is checked as a whole.
    return { json: json as Json, exact: simple.exact, isAsync: simple.isAsync }
  } catch {
    // A schema that refers to itself without v.lazy, or whose getter throws: any value passes, until the job starts.
    return { json: {}, exact: false, isAsync: simple.isAsync }
  }
}

/** Values that JSON cannot say: nothing in the database is one. */
const beyondJson = new Set('bigint blob date file function map nan promise set symbol undefined void'.split(' '))

/** These change neither the value nor what is accepted. */
const harmless = new Set(['brand', 'flavor', 'readonly'])

/** Actions that JSON Schema can say, by the type of value that it can say them for. */
const equalities = ['value', 'values', 'not_value', 'not_values']
const lengths = ['min_length', 'max_length', 'length', 'non_empty', 'empty']
const sayable = new Map([
  ['string', new Set([...lengths, ...equalities])],
  [
    'number',
    new Set(
      ['integer', 'safe_integer', 'finite', 'min_value', 'max_value', 'gt_value', 'lt_value', 'multiple_of'].concat(
        equalities,
      ),
    ),
  ],
  ['boolean', new Set(equalities)],
  ['array', new Set(lengths)],
  ['object', new Set(['min_entries', 'max_entries', 'entries'])],
])

/** Actions on strings that are one regular expression each. */
const formats = new Set(
  [
    'base64 bic cuid2 decimal digits domain email emoji hash hexadecimal hex_color ip ipv4 ipv6 iso_date iso_date_time',
    'iso_date_time_second iso_time iso_time_second iso_timestamp iso_week isrc jws_compact ksuid mac mac48 mac64 nanoid',
    'octal rfc_email slug ulid uuid',
  ].flatMap((names) => names.split(' ')),
)

/**
 * A Valibot schema cut down to what JSON Schema can say, for `toJsonSchema`: in each pipe, the checks on the input. What
 * is cut makes it inexact.
 */
class Simple {
  exact = true
  isAsync = false
  private readonly getters = new Map<unknown, () => GenericSchema>()

  schema(schema: GenericSchema): GenericSchema {
    const node = nodeOf(schema)
    if (node.async) {
      this.isAsync = true
      return this.anything()
    }
    if ('fallback' in node) {
      // It takes whatever it is given, or not given, unless something inside throws.
      const { fallback: _, ...inner } = node
      this.schema(inner as unknown as GenericSchema)
      return optional(unknown())
    }
    if (node.type === 'lazy') return this.lazy(node)
    if (node.type.startsWith('non_')) {
      this.exact = false
      return this.child(node.wrapped)
    }
    // The library would write defaults into the schema, and call those that are functions.
    const { pipe, default: given, ...rest } = node
    // A default is a value like another, to the schema inside.
    const { wrapped } = node
    if (given !== undefined && !(isSchema(wrapped) && typeof given !== 'function' && accepts(wrapped, given))) {
      this.exact = false
    }
    const copy: Record<string, unknown> = {}
    for (const [name, part] of Object.entries(rest)) {
      if (isSchema(part)) copy[name] = this.schema(part)
      else if (Array.isArray(part))
        copy[name] = part.map((item: unknown) => (isSchema(item) ? this.schema(item) : item))
      else if (name === 'entries') copy[name] = this.entries(part)
      else copy[name] = part
    }
    // A copy of a schema, with simpler schemas in it, is a schema.
    const root = copy as unknown as GenericSchema
    if (!Array.isArray(pipe)) return root
    return { ...root, pipe: [root, ...this.checks(flat(pipe).slice(1), checkedAs(node))] } as GenericSchema
  }

  /** For `toJsonSchema`: what the library says otherwise than Valibot means it, or not at all. */
  readonly config: ConversionConfig = {
    target: 'draft-2020-12',
    typeMode: 'input',
    // Not those that an application registered for its own use.
    definitions: {},
    overrideAction: ({ valibotAction, jsonSchema, errors }) => {
      const action = nodeOf(valibotAction as unknown as Node)
      if (isText(action)) return this.text(action, jsonSchema)
      if (errors && action.type !== 'finite') this.exact = false
      return jsonSchema
    },
    overrideSchema: ({ valibotSchema, jsonSchema, errors }) => {
      const node = nodeOf(valibotSchema)
      if (beyondJson.has(node.type)) return { not: {} }
      switch (node.type) {
        case 'picklist':
        case 'enum':
        case 'literal':
          return oneOf(optionsOf(node) ?? [])
        case 'nullable':
        case 'nullish':
        case 'union':
          return merged(jsonSchema.anyOf ?? [])
        case 'variant': {
          const { oneOf: alternatives = [], ...rest } = jsonSchema
          return { ...rest, anyOf: alternatives }
        }
        case 'intersect':
          // What its options give is merged, which can fail where it is not objects.
          if (!many(node.options).every(({ type }) => type.includes('object'))) this.exact = false
          return jsonSchema
        case 'tuple':
        case 'loose_tuple':
        case 'strict_tuple':
        case 'tuple_with_rest':
          return { ...jsonSchema, minItems: this.leastItems(many(node.items)) }
        case 'object':
        case 'loose_object':
        case 'strict_object':
        case 'object_with_rest':
          return withoutEmpty(jsonSchema)
        case 'record':
          return jsonSchema
        default:
          if (errors) this.exact = false
          return errors ? {} : jsonSchema
      }
    },
  }

  private child(value: unknown): GenericSchema {
    return isSchema(value) ? this.schema(value) : this.anything()
  }

  private entries(entries: unknown): Record<string, GenericSchema> {
    return Object.fromEntries(Object.entries(entries ?? {}).map(([name, entry]) => [name, this.child(entry)]))
  }

  private anything(): GenericSchema {
    this.exact = false
    return unknown()
  }

  /** Levels beyond the hundredth are not checked in the database. */
  private lazy(node: Node): GenericSchema {
    this.exact = false
    const { getter } = node
    // One that looks at its input gives no schema without it.
    if (typeof getter !== 'function' || getter.length > 0) return unknown()
    let made = this.getters.get(getter)
    if (!made) {
      let schema: GenericSchema | undefined
      made = () => (schema ??= this.child(getter()))
      this.getters.set(getter, made)
    }
    return { ...node, getter: made } as unknown as GenericSchema
  }

  /** The actions of a pipe that say something of its input, in words that JSON Schema has. */
  private checks(actions: readonly Node[], kind: string): Node[] {
    const checks: Node[] = []
    for (const action of actions) {
      if (action.async) this.isAsync = true
      if (action.kind === 'metadata' || harmless.has(action.type)) continue
      if (action.kind !== 'validation') {
        // From here on it is about another value. Sorting does not change what a length says, and so on: not worth it.
        this.exact = false
        break
      }
      if (isSayable(action, kind)) checks.push(action)
      else this.exact = false
    }
    if (checks.some(({ type }) => type === 'multiple_of') && !checks.some(({ type }) => type === 'safe_integer')) {
      // Beyond 2 to the power of 53 JavaScript's numbers are not what was written.
      this.exact = false
    }
    return checks
  }

  private text(action: Node, { pattern: _, format: __, contentEncoding: ___, ...rest }: JsonSchema): JsonSchema {
    const { regex, says } = textCheck(action)
    const found = patternOf(regex)
    if (!found || found.lenient || action.type === 'url') this.exact = false
    if (!found) return rest
    return { ...rest, allOf: [...(rest.allOf ?? []), { pattern: found.pattern, description: says }] }
  }

  /** How many items a tuple must have: up to the last that is not happy with undefined. */
  private leastItems(items: readonly Node[]): number {
    const needed = items.findLastIndex(({ type }) =>
      /string|number|boolean|null$|array|object|tuple|record|picklist/.test(type),
    )
    const rest = items.slice(needed + 1)
    if (!rest.every(({ type }) => /^(optional|nullish|undefinedable|any|unknown|undefined)$/.test(type)))
      this.exact = false
    return needed + 1
  }
}

function flat(pipe: readonly unknown[]): Node[] {
  return pipe.filter(isNode).flatMap((item) => (Array.isArray(item.pipe) ? flat(item.pipe) : [item]))
}

function many(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : []
}

/**
 * The one JSON type of the values that the actions of a pipe look at, where these are the values given. Objects and
 * tuples are not: Valibot has left out what they do not name, and added defaults.
 */
function checkedAs(node: Node): string {
  switch (node.type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'array':
      return node.type
    case 'record':
      return isNode(node.key) && node.key.type === 'string' && !('pipe' in node.key) ? 'object' : 'other'
    case 'picklist':
    case 'enum':
    case 'literal': {
      const types = new Set((optionsOf(node) ?? []).map((option) => typeof option))
      return types.size === 1 ? ([...types][0] ?? 'other') : 'other'
    }
    case 'optional':
    case 'exact_optional':
    case 'undefinedable':
      return isNode(node.wrapped) && !('pipe' in node.wrapped) ? checkedAs(node.wrapped) : 'other'
    default:
      return 'other'
  }
}

function isSayable(action: Node, kind: string): boolean {
  if (isText(action)) return kind === 'string'
  if (!sayable.get(kind)?.has(action.type)) return false
  const { requirement } = action
  switch (action.type) {
    case 'value':
    case 'not_value':
      return typeof requirement === kind
    case 'values':
    case 'not_values':
      return Array.isArray(requirement) && requirement.every((value) => typeof value === kind)
    case 'min_value':
    case 'max_value':
    case 'gt_value':
    case 'lt_value':
      return typeof requirement === 'number'
    case 'multiple_of':
      // Of fractions, a number in JavaScript is hardly ever a multiple, where in Postgres it is.
      return Number.isSafeInteger(requirement) && Number(requirement) > 0
  }
  return true
}

/** Whether an action is a regular expression, or as good as one. */
function isText({ type, requirement }: Node): boolean {
  if (['starts_with', 'ends_with', 'includes'].includes(type)) return typeof requirement === 'string'
  return type === 'url' || ((type === 'regex' || formats.has(type)) && requirement instanceof RegExp)
}

/** What every URL has. The parser passes over control characters before it, and over tabs and line ends in it. */
const scheme = /^[^!-\u{10ffff}]*[A-Za-z][A-Za-z0-9+.\t\r\n-]*:/u

/** The regular expression, and how a message goes on after "must". */
function textCheck({ type, requirement }: Node): { regex: RegExp; says: string } {
  if (type === 'url') {
    return { regex: scheme, says: 'be a valid url' }
  }
  if (requirement instanceof RegExp) {
    const says = type === 'regex' ? `match ${String(requirement)}` : `be a valid ${type.replaceAll('_', ' ')}`
    return { regex: requirement, says }
  }
  const text = String(requirement)
  const written = [...text].map((character) => `\\u{${character.codePointAt(0)?.toString(16)}}`).join('')
  const [before, after] = [type === 'starts_with' ? '^' : '', type === 'ends_with' ? '$' : '']
  const verb = { starts_with: 'start with', ends_with: 'end with' }[type] ?? 'include'
  return { regex: new RegExp(`${before}${written}${after}`, 'u'), says: `${verb} ${JSON.stringify(text)}` }
}

/** The values that a schema has, where they are few and given by name: a select-from parameter. Null is not one. */
function optionsOf(node: Node): Json[] | null {
  switch (node.type) {
    case 'boolean':
      return [true, false]
    case 'literal':
      return listed([node.literal])
    case 'picklist':
    case 'enum':
      return listed(Array.isArray(node.options) ? node.options : [])
    case 'union': {
      const found = many(node.options)
        .filter(({ type }) => type !== 'null' && type !== 'undefined')
        .map(optionsOf)
      return found.some((options) => options === null) ? null : listed(found.flatMap((options) => options ?? []))
    }
    case 'optional':
    case 'exact_optional':
    case 'undefinedable':
    case 'nullable':
    case 'nullish':
    case 'non_nullable':
    case 'non_nullish':
    case 'non_optional':
      return isNode(node.wrapped) ? optionsOf(node.wrapped) : null
    default:
      return null
  }
}

/** What JSON has of these values, each once; null where it has none. */
function listed(values: readonly unknown[]): Json[] | null {
  const options = values.filter(
    (value): value is string | number | boolean =>
      typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)),
  )
  return options.length > 0 ? [...new Set(options)] : null
}

function acceptsNull(node: Node): boolean {
  switch (node.type) {
    case 'null':
    case 'nullable':
    case 'nullish':
    case 'any':
    case 'unknown':
      return true
    case 'optional':
    case 'exact_optional':
    case 'undefinedable':
    case 'non_optional':
      return isNode(node.wrapped) && acceptsNull(node.wrapped)
    case 'union':
      return many(node.options).some(acceptsNull)
    default:
      return false
  }
}

function descriptionOf(schema: GenericSchema): string | null {
  const own = getDescription(schema)
  if (own !== undefined) return own
  const { wrapped } = nodeOf(schema)
  return isSchema(wrapped) ? descriptionOf(wrapped) : null
}

type Alternatives = NonNullable<JsonSchema['anyOf']>

function oneOf(options: readonly Json[]): JsonSchema {
  // Options are strings, numbers and booleans.
  return options.length > 0 ? { enum: options as (string | number | boolean)[] } : { not: {} }
}

/** One list of values, or of types, where the alternatives are no more than that: messages are read by people. */
function merged(alternatives: Alternatives): JsonSchema {
  const parts = alternatives.map((part) => (typeof part === 'object' ? part : {})).filter((part) => !has(part, ['not']))
  if (parts.length === 0) return { not: {} }
  if (parts.every((part) => has(part, ['type']))) {
    return { type: [...new Set(parts.flatMap((part) => part.type ?? []))] }
  }
  if (parts.every((part) => has(part, ['enum']) || (has(part, ['type']) && part.type === 'null'))) {
    return { enum: [...new Set(parts.flatMap((part) => part.enum ?? [null]))] }
  }
  // The keywords of a type say nothing of null.
  const [first, second] = parts
  const isNullable = first && parts.length === 2 && second && has(second, ['type']) && second.type === 'null'
  if (isNullable && typeof first.type === 'string' && !['not', 'const', 'enum'].some((keyword) => keyword in first)) {
    return { ...first, type: [first.type, 'null'] }
  }
  return { anyOf: parts }
}

function has(schema: JsonSchema, keywords: readonly string[]): boolean {
  return Object.keys(schema).join() === keywords.join()
}

function withoutEmpty({ properties, required, ...rest }: JsonSchema): JsonSchema {
  return {
    ...rest,
    ...(properties && Object.keys(properties).length > 0 && { properties }),
    ...(required && required.length > 0 && { required }),
  }
}
