/**
 * Why a value cannot be kept as JSON in Postgres, naming the place and the next step; null where it can. `label` names
 * the value itself: `args.rows[2].at is a Date: send its toISOString()`.
 * Properties that are undefined are refused, unless they may be left out as JSON.stringify does.
 */
export function jsonProblem(value: unknown, label: string, options: JsonOptions = {}): string | null {
  return problemAt(value, () => label, [], options)
}

interface JsonOptions {
  leaveOutUndefined?: boolean
}

/** Said only where there is a problem: to name the place of each value would take longer than to look at it. */
type Place = () => string

/** Deeper than this, JSON.stringify and Postgres' parser come near the end of their stacks. */
const maximumDepth = 500

function problemAt(value: unknown, path: Place, above: object[], options: JsonOptions): string | null {
  switch (typeof value) {
    case 'boolean':
      return null
    case 'number':
      return Number.isFinite(value) ? null : `${path()} is ${value}, which JSON does not have: send null or a string`
    case 'string':
      return textProblem(value, path)
    case 'undefined':
      return `${path()} is undefined, which JSON does not have: leave it out, or send null`
    case 'bigint':
      return `${path()} is a bigint, which JSON does not have: send a number, or a string`
    case 'object':
      return value === null ? null : objectProblem(value, path, above, options)
    default:
      return `${path()} is a ${typeof value}, which JSON does not have: send what it stands for`
  }
}

function textProblem(text: string, path: Place): string | null {
  if (text.includes('\u0000')) return `${path()} contains the character \\u0000, which Postgres cannot store: remove it`
  if (!text.isWellFormed())
    return `${path()} contains half a surrogate pair, which is no character: call toWellFormed()`
  return null
}

function objectProblem(value: object, path: Place, above: object[], options: JsonOptions): string | null {
  if (above.includes(value)) return `${path()} is one of the objects that it is in: send a tree, without cycles`
  if (above.length >= maximumDepth) {
    return `${path().slice(0, 100)}… is nested more than ${maximumDepth} levels deep: send it flatter, or as a string`
  }
  above.push(value)
  let problem: string | null = null
  if (Array.isArray(value)) {
    // By index: a hole is undefined too.
    for (let index = 0; index < value.length; index += 1) {
      problem ??= problemAt(value[index], () => `${path()}[${index}]`, above, options)
    }
  } else if (!isPlain(value)) {
    const send = value instanceof Date ? 'its toISOString()' : 'a plain object or an array'
    problem = `${path()} is a ${nameOf(value)}, which JSON does not have: send ${send}`
  } else {
    for (const key of Object.keys(value)) {
      const part: unknown = Reflect.get(value, key)
      if (part === undefined && options.leaveOutUndefined) continue
      const place = () => pathTo(path(), key)
      problem ??= textProblem(key, () => `the name of ${place()}`) ?? problemAt(part, place, above, options)
    }
  }
  above.pop()
  return problem
}

/** An object literal, of any realm, or one without a prototype. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function nameOf(value: object): string {
  const { constructor } = value
  return (typeof constructor === 'function' && constructor.name) || 'class instance'
}

function pathTo(path: string, key: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`
}

/** Cut, and without what Postgres' jsonb does not take: NUL, and halves of surrogate pairs. */
export function storable(text: string, length: number): string {
  return text.slice(0, length).replaceAll('\u0000', '\uFFFD').toWellFormed()
}
