import { dependsOn, same, task } from 'jobmaster'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { catalogOf } from '../src/catalog.ts'
import { tasksOf } from '../src/tasks.ts'

const run = () => ({})
const hashOf = (schema: v.GenericSchema) =>
  tasksOf({ cool: { foo: task({ params: { a: schema }, run }) } }).hashes['cool.foo']

describe('the hash of a task', () => {
  test.each<[string, v.GenericSchema, v.GenericSchema]>([
    ['a number and a string', v.number(), v.string()],
    ['options that are numbers and strings', v.picklist([1, 2]), v.picklist(['1', '2'])],
    ['the order of options', v.picklist([1, 2]), v.picklist([2, 1])],
    ['a default', v.optional(v.number(), 1), v.optional(v.number(), 2)],
    ['a regular expression', v.pipe(v.string(), v.regex(/a/)), v.pipe(v.string(), v.regex(/a/i))],
    ['a bound', v.pipe(v.number(), v.minValue(1)), v.pipe(v.number(), v.minValue(2))],
    ['a bound without end', v.pipe(v.number(), v.maxValue(1)), v.pipe(v.number(), v.maxValue(Infinity))],
    [
      'a check',
      v.number(),
      v.pipe(
        v.number(),
        v.check((a) => a % 2 === 0),
      ),
    ],
    ['a description', v.pipe(v.number(), v.description('one')), v.pipe(v.number(), v.description('two'))],
    ['a key called message', v.object({ message: v.number() }), v.object({ message: v.string() })],
    ['what a v.lazy gives', v.lazy(() => v.number()), v.lazy(() => v.string())],
    ['null', v.number(), v.nullable(v.number())],
  ])('tells apart %s', (_, one, other) => {
    expect(hashOf(one)).not.toBe(hashOf(other))
  })

  test.each<[string, v.GenericSchema, v.GenericSchema]>([
    ['the same schema made twice', v.object({ b: v.number() }), v.object({ b: v.number() })],
    ['the words of a message', v.number('a number!'), v.number('Please give a number.')],
    [
      'the code of a check',
      v.pipe(
        v.number(),
        v.check((a) => a > 1),
      ),
      v.pipe(
        v.number(),
        v.check((b) => b > 2),
      ),
    ],
  ])('is the same whatever %s', (_, one, other) => {
    expect(hashOf(one)).toBe(hashOf(other))
  })

  test('tells apart what a dependency asks for', () => {
    const foo = task({ params: { a: v.number(), b: v.number() }, run })
    const rules = [
      dependsOn(foo, { args: { a: 1 } }),
      dependsOn(foo, { args: { a: 2 } }),
      dependsOn(foo, { args: { a: same } }),
      dependsOn(foo, { args: { a: same.plus(1) } }),
      dependsOn(foo, { args: { a: same.as('b') } }),
      dependsOn(foo, { args: { a: 1 }, withinHours: 2 }),
    ]
    const hashes = rules.map((dependencies) => {
      const bar = task({ params: { a: v.number(), b: v.number() }, dependencies, run })
      return tasksOf({ cool: { foo, bar } }).hashes['cool.bar']
    })
    expect(new Set(hashes).size).toBe(rules.length)
  })

  test('is made of schemas that have no end, and of ones that throw', () => {
    const entries: Record<string, v.GenericSchema> = {}
    const endless = v.object(entries)
    entries.again = endless
    const fresh = (): v.GenericSchema => v.lazy(() => v.object({ again: fresh() }))
    const throwing = v.lazy((): v.GenericSchema => {
      throw new Error('not yet')
    })
    for (const schema of [endless, fresh(), throwing]) expect(hashOf(schema)).toMatch(/^[0-9a-f]{14}$/)
  })

  test('is the one that is deployed', () => {
    const modules = { cool: { foo: task({ params: { a: v.number() }, run }) } }
    const { hash, hashes } = tasksOf(modules)
    expect(catalogOf(modules)).toMatchObject({ hash, json: { hash, tasks: [{ hash: hashes['cool.foo'] }] } })
  })
})
