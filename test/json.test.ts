import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonProblem } from '../src/json.ts'

test('what JSON can say has no problem', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' }), (value) => {
      expect(jsonProblem(value, 'args')).toBeNull()
    }),
  )
  expect(jsonProblem(Object.assign(Object.create(null), { a: [1, null, 'é😀'] }), 'args')).toBeNull()
})

test.each([
  [Number.NaN, 'args is NaN, which JSON does not have: send null or a string'],
  [[1, -Infinity], 'args[1] is -Infinity, which JSON does not have: send null or a string'],
  [{ id: 1n }, 'args.id is a bigint, which JSON does not have: send a number, or a string'],
  [{ rows: [{ at: new Date(0) }] }, 'args.rows[0].at is a Date, which JSON does not have: send its toISOString()'],
  [{ c: undefined }, 'args.c is undefined, which JSON does not have: leave it out, or send null'],
  // oxlint-disable-next-line no-sparse-arrays -- the hole is what is tested
  [[1, , 3], 'args[1] is undefined, which JSON does not have: leave it out, or send null'],
  [{ 'two words': () => 1 }, 'args["two words"] is a function, which JSON does not have: send what it stands for'],
  [{ s: Symbol('x') }, 'args.s is a symbol, which JSON does not have: send what it stands for'],
  [{ m: new Map() }, 'args.m is a Map, which JSON does not have: send a plain object or an array'],
  [
    { bytes: new Uint8Array(1) },
    'args.bytes is a Uint8Array, which JSON does not have: send a plain object or an array',
  ],
  [{ s: 'a\u0000b' }, 'args.s contains the character \\u0000, which Postgres cannot store: remove it'],
  [{ s: '\ud83d' }, 'args.s contains half a surrogate pair, which is no character: call toWellFormed()'],
  [
    { 'a\u0000': 1 },
    'the name of args["a\\u0000"] contains the character \\u0000, which Postgres cannot store: remove it',
  ],
])('what JSON cannot say is refused with its place and the next step: %#', (value, problem) => {
  expect(jsonProblem(value, 'args')).toBe(problem)
})

test('a value that contains itself is refused, and one that is there twice is not', () => {
  const cycle: Record<string, unknown> = { a: { b: {} } }
  cycle.a = { b: [cycle] }
  expect(jsonProblem(cycle, 'result')).toBe(
    'result.a.b[0] is one of the objects that it is in: send a tree, without cycles',
  )
  const shared = { x: 1 }
  expect(jsonProblem({ left: shared, right: [shared] }, 'result')).toBeNull()
})

test('a value that is nested too deeply for Postgres is refused', () => {
  let value: unknown = 1
  for (let level = 0; level < 100_000; level += 1) value = [value]
  expect(jsonProblem(value, 'args')).toMatch(/is nested more than 500 levels deep/)
})

test('properties that are undefined can be left out, as JSON.stringify leaves them out', () => {
  expect(jsonProblem({ a: 1, b: undefined }, 'result', { leaveOutUndefined: true })).toBeNull()
  expect(jsonProblem([undefined], 'result', { leaveOutUndefined: true })).toMatch(/^result\[0\] is undefined/)
})
