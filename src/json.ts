/**
 * Why a value cannot be kept as JSON in Postgres, naming the place and the next step; null where it can. `label` names
 * the value itself: `args.rows[2].at is a Date: send its toISOString()`.
 * Properties that are undefined are refused, unless they may be left out as JSON.stringify does.
 */
export function jsonProblem(value: unknown, label: string, { leaveOutUndefined = false } = {}): string | null {
  return problemAt(value, label, new Set(), leaveOutUndefined)
}

/** Deeper than this, JSON.stringify and Postgres' parser come near the end of their stacks. */
const maximumDepth = 500

function problemAt(value: unknown, path: string, above: Set<object>, leaveOutUndefined: boolean): string | null {
  switch (typeof value) {
    case 'boolean':
      return null
    case 'number':
      return Number.isFinite(value) ? null : `${path} is ${value}, which JSON does not have: send null or a string`
    case 'string':
      return textProblem(value, path)
    case 'undefined':
      return `${path} is undefined, which JSON does not have: leave it out, or send null`
    case 'bigint':
      return `${path} is a bigint, which JSON does not have: send a number, or a string`
    case 'object':
      return value === null ? null : objectProblem(value, path, above, leaveOutUndefined)
    default:
      return `${path} is a ${typeof value}, which JSON does not have: send what it stands for`
  }
}

function textProblem(text: string, path: string): string | null {
  if (text.includes('\u0000')) return `${path} contains the character \\u0000, which Postgres cannot store: remove it`
  if (!text.isWellFormed()) return `${path} contains half a surrogate pair, which is no character: call toWellFormed()`
  return null
}

function objectProblem(value: object, path: string, above: Set<object>, leaveOutUndefined: boolean): string | null {
  if (above.has(value)) return `${path} is one of the objects that it is in: send a tree, without cycles`
  if (above.size >= maximumDepth) {
    return `${path.slice(0, 100)}… is nested more than ${maximumDepth} levels deep: send it flatter, or as a string`
  }
  above.add(value)
  const problem = Array.isArray(value)
    ? arrayProblem(value, path, above, leaveOutUndefined)
    : recordProblem(value, path, above, leaveOutUndefined)
  above.delete(value)
  return problem
}

function arrayProblem(
  value: readonly unknown[],
  path: string,
  above: Set<object>,
  leaveOutUndefined: boolean,
): string | null {
  // By index: a hole is undefined too.
  for (let index = 0; index < value.length; index += 1) {
    const problem = problemAt(value[index], `${path}[${index}]`, above, leaveOutUndefined)
    if (problem) return problem
  }
  return null
}

function recordProblem(value: object, path: string, above: Set<object>, leaveOutUndefined: boolean): string | null {
  if (value instanceof Date) return `${path} is a Date, which JSON does not have: send its toISOString()`
  if (!isPlain(value)) return `${path} is a ${nameOf(value)}, which JSON does not have: send a plain object or an array`
  for (const [key, part] of Object.entries(value)) {
    if (part === undefined && leaveOutUndefined) continue
    const place = pathTo(path, key)
    const problem = textProblem(key, `the name of ${place}`) ?? problemAt(part, place, above, leaveOutUndefined)
    if (problem) return problem
  }
  return null
}

/** An object literal, of any realm, or one without a prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || (typeof prototype === 'object' && Object.getPrototypeOf(prototype) === null)
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
