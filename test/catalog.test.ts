import { dependsOn, same, task } from 'jobmaster'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { type Catalog, catalogOf, problemsFor } from '../src/catalog.ts'

const run = () => {}

function params(of: Record<string, v.GenericSchema>) {
  const { json } = catalogOf({ cool: { foo: task({ params: of, run }) } })
  return Object.fromEntries(json.tasks[0]!.params.map((param) => [param.name, param]))
}

/** The catalog of tasks that the types would refuse: what comes from JavaScript. */
function problems(tasks: Record<string, unknown>): readonly string[] {
  return catalogOf(tasks as Record<string, object>).problems
}

/** A task that the types would refuse. */
const loose = task as (definition: object) => ReturnType<typeof task>

describe('names', () => {
  const foo = task({ params: {}, run })
  const bar = task({ params: {}, run })

  test('the key of a module is the type key and the name of an export the task key; other exports are passed over', () => {
    const catalog = catalogOf({ things1: { foo, helper: () => 1, limit: 3, nothing: null }, empty: {} })
    expect(catalog.problems).toEqual([])
    expect(catalog.tasks.map(({ name, typeKey, taskKey }) => [name, typeKey, taskKey])).toEqual([
      ['things1.foo', 'things1', 'foo'],
    ])
    expect(catalog.nameOf(foo)).toBe('things1.foo')
    expect(catalog.nameOf(bar)).toBeUndefined()
    expect(catalog.byName.get('things1.foo')).toBe(catalog.tasks[0])
  })

  test('typeKey overrides the key of the module, and may contain dots', () => {
    const named = task({ typeKey: 'very.cool', params: {}, run })
    expect(catalogOf({ things1: { named } }).tasks.map(({ name }) => name)).toEqual(['very.cool.named'])
  })

  test('the catalog is made once for the same tasks', () => {
    const tasks = { cool: { foo } }
    expect(catalogOf(tasks)).toBe(catalogOf(tasks))
  })

  test.each<[string, Record<string, unknown>, string]>([
    [
      'exported as default',
      { cool: { default: foo } },
      'cool exports a task as default, which is no name: export it by a name of its own',
    ],
    [
      'under two keys',
      { cool: { foo, again: foo } },
      'cool.foo and cool.again are the same task: export it once, or define another',
    ],
    [
      'in two modules',
      { cool: { foo }, other: { foo } },
      'cool.foo and other.foo are the same task: export it once, or define another',
    ],
    [
      'under the name of another',
      { cool: { foo }, other: { foo: task({ typeKey: 'cool', params: {}, run }) } },
      'cool.foo is the name of two tasks, cool.foo and other.foo: rename one, or change its typeKey',
    ],
    ['with an empty type key', { '': { foo } }, '.foo: its type key is empty: give it a name'],
    ['with an empty task key', { cool: { '': foo } }, 'cool.: its task key is empty: give it a name'],
    [
      'with a long key',
      { ['x'.repeat(201)]: { foo } },
      `${'x'.repeat(201)}.foo: its type key has 201 characters, and 200 are allowed: shorten it`,
    ],
    [
      'with a dot in its key',
      { cool: { 'a.b': foo } },
      'cool.a.b: the task key "a.b" contains a dot, which ends the type key: rename the export',
    ],
    ['in place of a module', { foo }, 'foo is a task, not a module of tasks: write tasks: { someTypeKey: { foo } }'],
    [
      'nowhere, since its module is none',
      { cool: undefined },
      'tasks.cool is not a module of tasks: give an object, such as import * as cool',
    ],
  ])('a task %s is refused', (_, tasks, problem) => {
    expect(problems(tasks)).toEqual([problem])
  })
})

describe('options of a task', () => {
  test('defaults are one process unit, no process limit, three attempts and no timeout', () => {
    expect(catalogOf({ cool: { foo: task({ params: {}, run }) } }).json.tasks[0]).toMatchObject({
      type_key: 'cool',
      task_key: 'foo',
      description: null,
      process_units: 1,
      process_limit: null,
      max_attempts: 3,
      timeout_ms: null,
      params: [],
      dependencies: [],
    })
  })

  test.each(['processUnits', 'processLimit', 'maxAttempts', 'timeoutMs'])('%s is a whole number from 1', (option) => {
    for (const value of [0, -1, 1.5, Number.NaN, Infinity, 2 ** 31, '3']) {
      expect(problems({ cool: { foo: loose({ params: {}, run, [option]: value }) } })).toEqual([
        `cool.foo: ${option} must be a whole number from 1 to 2147483647, got ${String(value)}: change it`,
      ])
    }
    expect(problems({ cool: { foo: loose({ params: {}, run, [option]: 1 }) } })).toEqual([])
  })

  test('a task that weighs more than its system has is refused', () => {
    const catalog = catalogOf({ cool: { foo: task({ params: {}, processUnits: 20, run }) } })
    expect(problemsFor(catalog, 20)).toEqual([])
    expect(problemsFor(catalog, 19)).toEqual([
      'cool.foo weighs 20 process units and the system has 19: lower its processUnits, or raise systemProcessUnits',
    ])
  })

  test('without run or params there is no task', () => {
    for (const definition of [
      undefined,
      null,
      1,
      {},
      { run },
      { params: {} },
      { params: 1, run },
      { params: {}, run: 1 },
    ]) {
      expect(() => loose(definition as object)).toThrow(/^task\(\) takes an object with `params`/)
    }
  })
})

describe('params', () => {
  test('a parameter is required unless it is optional or has a default', () => {
    const made = params({
      a: v.number(),
      b: v.optional(v.number(), 1),
      c: v.optional(v.number()),
      d: v.nullish(v.string(), null),
      e: v.nullable(v.string(), 'x'),
      f: v.optional(v.string(), () => new Date().toISOString()),
      g: v.pipe(v.optional(v.number(), 15), v.description('Fifteen.')),
      h: v.fallback(v.number(), 3),
    })
    expect(
      Object.values(made)
        .filter(({ required }) => required)
        .map(({ name }) => name),
    ).toEqual(['a', 'e'])
    expect(
      Object.values(made).flatMap(({ name, has_default, default: value }) => (has_default ? [[name, value]] : [])),
    ).toEqual([
      ['b', 1],
      ['d', null],
      ['g', 15],
    ])
    expect(
      Object.values(made)
        .filter(({ nullable }) => nullable)
        .map(({ name }) => name),
    ).toEqual(['d', 'e'])
    expect(made.g!.description).toBe('Fifteen.')
  })

  test('a description is found inside of optional too', () => {
    expect(params({ a: v.optional(v.pipe(v.string(), v.description('A.')), 'x') }).a!.description).toBe('A.')
  })

  test('options are those of picklists, enums, literals, unions of these, and booleans, without null', () => {
    const made = params({
      a: v.picklist([1, 2, 3, 2]),
      b: v.enum({ Up: 'up', Down: 'down' }),
      c: v.literal('x'),
      d: v.union([v.literal(1), v.picklist(['b', 'c']), v.null()]),
      e: v.boolean(),
      f: v.optional(v.nullable(v.picklist(['u', 'v'])), 'u'),
      g: v.pipe(v.picklist(['1', '2']), v.transform(Number)),
      h: v.string(),
      i: v.union([v.literal(1), v.string()]),
    })
    expect(Object.values(made).map(({ options }) => options)).toEqual([
      [1, 2, 3],
      ['up', 'down'],
      ['x'],
      [1, 'b', 'c'],
      [true, false],
      ['u', 'v'],
      ['1', '2'],
      null,
      null,
    ])
  })

  test.each<[string, v.GenericSchema, unknown, boolean]>([
    ['a string', v.string(), { type: 'string' }, true],
    [
      'bounds',
      v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(5)),
      { type: 'integer', minimum: 1, maximum: 5 },
      true,
    ],
    ['lengths', v.pipe(v.string(), v.nonEmpty(), v.maxLength(5)), { type: 'string', minLength: 1, maxLength: 5 }, true],
    ['options', v.picklist(['a', 'b']), { enum: ['a', 'b'] }, true],
    ['options or null', v.nullable(v.picklist([1, 2])), { enum: [1, 2, null] }, true],
    ['types', v.union([v.string(), v.number()]), { type: ['string', 'number'] }, true],
    ['a type or null', v.nullable(v.pipe(v.number(), v.minValue(1))), { type: ['number', 'null'], minimum: 1 }, true],
    ['what JSON cannot say in a union', v.union([v.string(), v.date()]), { type: ['string'] }, true],
    [
      'a tuple with an optional end',
      v.tuple([v.string(), v.optional(v.number())]),
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], minItems: 1 },
      true,
    ],
    [
      'a check',
      v.pipe(
        v.string(),
        v.check(() => true),
        v.minLength(2),
      ),
      { type: 'string', minLength: 2 },
      false,
    ],
    [
      'a transform, after which nothing is about the input',
      v.pipe(v.string(), v.minLength(1), v.trim(), v.maxLength(3)),
      { type: 'string', minLength: 1 },
      false,
    ],
    [
      'a transform and a second schema',
      v.pipe(v.string(), v.transform(Number), v.number(), v.minValue(3)),
      { type: 'string' },
      false,
    ],
    ['a brand', v.pipe(v.string(), v.brand('Id'), v.minLength(2)), { type: 'string', minLength: 2 }, true],
    [
      'a pattern that both engines read alike',
      v.pipe(v.string(), v.regex(/^\d+$/)),
      { type: 'string', allOf: [{ pattern: '^[0-9]+$', description: 'match /^\\d+$/' }] },
      true,
    ],
    [
      'a pattern with a name in it',
      v.pipe(v.string(), v.regex(/^(?<year>\d{4})$/)),
      { type: 'string', allOf: [{ pattern: '^(?:[0-9]{4})$', description: 'match /^(?<year>\\d{4})$/' }] },
      true,
    ],
    ['a pattern by property', v.pipe(v.string(), v.regex(/^\p{L}+$/u)), { type: 'string' }, false],
    ['a pattern that looks behind', v.pipe(v.string(), v.regex(/(?<=a)b/)), { type: 'string' }, false],
    ['a pattern that refers back', v.pipe(v.string(), v.regex(/(a)\1/)), { type: 'string' }, false],
    [
      'metadata that looks like keywords',
      v.pipe(v.string(), v.metadata({ pattern: 'x', type: 'number' })),
      { type: 'string' },
      true,
    ],
    ['a fallback, which takes anything', v.fallback(v.number(), 3), {}, true],
    [
      'the size of an object that Valibot has cut',
      v.pipe(v.object({ a: v.number() }), v.maxEntries(1)),
      { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] },
      false,
    ],
    ['a custom schema', v.custom(() => true), {}, false],
    ['fractions as a divisor', v.pipe(v.number(), v.multipleOf(0.1)), { type: 'number' }, false],
  ])('what JSON Schema says of %s', (_, schema, json, exact) => {
    expect(params({ a: schema }).a).toMatchObject({ exact })
    expect(params({ a: schema }).a!.schema).toEqual(json)
  })

  test('a schema that refers to itself is kept as far as it goes', () => {
    interface Tree {
      children: Tree[]
    }
    const tree: v.GenericSchema<Tree> = v.object({ children: v.array(v.lazy(() => tree)) })
    expect(params({ tree }).tree).toMatchObject({ exact: false, schema: { type: 'object', $defs: expect.anything() } })
  })

  test.each<[string, Record<string, unknown>, string]>([
    [
      'that is no schema',
      { params: { a: 'string' } },
      'cool.foo: parameter "a" is not a Valibot schema: give one, such as v.string()',
    ],
    [
      'with an asynchronous schema',
      {
        params: {
          a: v.pipeAsync(
            v.string(),
            v.checkAsync(async () => true),
          ),
        },
      },
      'cool.foo: parameter "a" has an asynchronous schema: use a synchronous one, and check the rest in run',
    ],
    [
      'that JSON cannot carry',
      { params: { a: v.date() } },
      'cool.foo: parameter "a" takes nothing that JSON can say: take a string or a number, and v.transform it',
    ],
    [
      'with a default that its schema refuses',
      { params: { a: v.optional(v.pipe(v.number(), v.minValue(2)), 1) } },
      'cool.foo: the default of parameter "a" is refused by its own schema: change one of them',
    ],
    [
      'with an option that means all of them',
      { params: { a: v.picklist(['x', 'ALL']) } },
      'cool.foo: parameter "a" has the option "ALL", which stands for every option: rename the option',
    ],
    [
      'that is write-all without options',
      { params: { a: v.string() }, writeAll: ['a'] },
      'cool.foo: the write-all parameter "a" has no fixed options: make it a v.picklist, or remove it from writeAll',
    ],
    [
      'that is write-all and not there',
      { params: { a: v.string() }, writeAll: ['z'] },
      'cool.foo: writeAll names "z", which is no parameter (known: a): remove it, or add it to params',
    ],
    [
      'that Postgres cannot store',
      { params: { a: v.picklist(['x\u0000']) } },
      'cool.foo.params[0].schema.enum[0] contains the character \\u0000, which Postgres cannot store: remove it, so that the task can be deployed',
    ],
  ])('a parameter %s is refused', (_, definition, problem) => {
    expect(problems({ cool: { foo: loose({ run, ...definition }) } })).toEqual([problem])
  })
})

describe('dependencies', () => {
  const foo = task({ params: { a: v.number(), b: v.picklist([1, 2, 3]), note: v.optional(v.string(), '-') }, run })

  function withRule(
    target: unknown,
    rule?: object,
    own: Record<string, v.GenericSchema> = { b: v.picklist([1, 2, 3]), n: v.number(), s: v.string() },
  ): Catalog {
    const dependencies = dependsOn(target as string, rule)
    return catalogOf({ cool: { foo, bar: loose({ params: own, dependencies, run }) } })
  }

  const rulesOf = (catalog: Catalog) => catalog.json.tasks.find(({ task_key }) => task_key === 'bar')!.dependencies

  test('arguments are values, references and ALL', () => {
    const catalog = withRule(foo, { withinHours: 2, args: { a: same.as('n'), b: 'ALL', note: 'x' } })
    expect(catalog.problems).toEqual([])
    expect(rulesOf(catalog)).toEqual([
      { target: 'cool.foo', within_seconds: 7_200, args: { a: { same: 'n' }, b: { all: true }, note: { value: 'x' } } },
    ])
    expect(rulesOf(withRule(foo, { args: { a: same.as('n'), b: same } }))[0]!.args.b).toEqual({ same: 'b' })
    for (const [op, argument] of Object.entries({
      plus: same.plus(1),
      minus: same.minus(1),
      times: same.times(1),
      dividedBy: same.dividedBy(1),
    })) {
      expect(rulesOf(withRule(foo, { args: { a: argument } }, { a: v.number() }))[0]!.args.a).toEqual({
        same: 'a',
        op,
        by: 1,
      })
    }
  })

  test('a target may be named', () => {
    expect(rulesOf(withRule('cool.foo', { args: { a: 1 } }))).toEqual([
      { target: 'cool.foo', within_seconds: 2_592_000, args: { a: { value: 1 } } },
    ])
  })

  test.each([
    [2, 7_200],
    [0.001, 120],
    [24 * 31, 2_592_000],
    [Infinity, 2_592_000],
    [undefined, 2_592_000],
  ])('a window of %s hours is %s seconds', (withinHours, seconds) => {
    expect(rulesOf(withRule(foo, { withinHours, args: { a: 1 } }))[0]!.within_seconds).toBe(seconds)
  })

  test.each([0, -1, Number.NaN, 'x'])('a window of %s hours is refused', (withinHours) => {
    expect(withRule(foo, { withinHours, args: { a: 1 } }).problems).toEqual([
      `cool.bar depends on cool.foo within ${withinHours} hours: give a number of hours above 0, or leave withinHours out`,
    ])
  })

  test.each<[string, unknown, object, string]>([
    [
      'on an unknown task',
      'cool.baz',
      {},
      'cool.bar depends on the unknown task cool.baz (known: cool.bar, cool.foo): correct the name, or add its module to tasks',
    ],
    [
      'on a task that is not exported',
      task({ params: {}, run }),
      {},
      'cool.bar: the task of dependency 1 is not among the tasks: export it once, from a module given to createJobMaster as tasks',
    ],
    [
      'on a task that is not there yet',
      undefined,
      {},
      "cool.bar: dependency 1 has no task: where two modules import each other, name the task, as in dependsOn('cool.foo')",
    ],
    [
      'with an unknown argument',
      foo,
      { a: 1, z: 1 },
      'cool.bar depends on cool.foo with the unknown argument "z" (known: a, b, note): remove it, or rename it',
    ],
    [
      'with same and no counterpart',
      foo,
      { a: same },
      'cool.bar depends on cool.foo with the same "a", and has no such parameter (known: b, n, s): give a value, or use same.as(\'other\')',
    ],
    [
      'with same of another type',
      foo,
      { a: same.as('s') },
      'cool.bar depends on cool.foo with the same "s", which is a string where "a" is a number: give a value, or change a type',
    ],
    [
      'with a value that its target refuses',
      foo,
      { a: 'x' },
      'cool.bar depends on cool.foo with "a" "x", which its schema refuses: correct the value',
    ],
    [
      'with a value that is no option',
      foo,
      { a: 1, b: 4 },
      'cool.bar depends on cool.foo with "b" 4, which its schema refuses: correct the value',
    ],
    [
      'with a value that is not JSON',
      foo,
      { a: Number.NaN },
      'cool.bar depends on cool.foo: "a" is NaN, which JSON does not have: send null or a string',
    ],
    [
      'with ALL where there are no options',
      foo,
      { a: 'ALL' },
      'cool.bar depends on cool.foo with "ALL" for "a", which has no fixed options: give a value, or make it a v.picklist',
    ],
  ])('a dependency %s is refused', (_, target, args, problem) => {
    expect(withRule(target, { args }).problems).toEqual([problem])
  })

  test('arithmetic is for numbers, and with a number', () => {
    expect(withRule(foo, { args: { a: 1, note: same.plus(1) } }, { note: v.number() }).problems).toEqual([
      'cool.bar depends on cool.foo with arithmetic on "note", which is not a number in cool.foo: use same alone, or give a value',
    ])
    expect(withRule(foo, { args: { a: same.dividedBy(0) } }, { a: v.number() }).problems).toEqual([
      'cool.bar depends on cool.foo with "a" as same.dividedBy(0), which has no value: use another number',
    ])
  })

  test('something else than a dependency is refused', () => {
    const bar = loose({ params: {}, dependencies: [{ target: 'cool.foo' }], run })
    expect(problems({ cool: { foo, bar } })).toEqual(['cool.bar: dependency 1 is none: make it with dependsOn(…)'])
  })

  test('cycles are refused, naming the way round', () => {
    const a = task({ params: {}, dependencies: dependsOn('cool.b'), run })
    const b = task({ params: {}, dependencies: [dependsOn('cool.c'), dependsOn('cool.d')], run })
    const c = task({ params: {}, dependencies: dependsOn(a), run })
    const d = task({ params: {}, run })
    const alone = task({ params: {}, dependencies: dependsOn('cool.alone'), run })
    expect(problems({ cool: { a, b, c, d, alone } })).toEqual([
      'tasks depend on each other in a cycle, cool.a → cool.b → cool.c → cool.a: remove one of these dependencies',
      'cool.alone depends on itself: remove that dependency',
    ])
  })

  test('a diamond is no cycle', () => {
    const top = task({ params: {}, run })
    const left = task({ params: {}, dependencies: dependsOn(top), run })
    const right = task({ params: {}, dependencies: dependsOn(top), run })
    const bottom = task({ params: {}, dependencies: [dependsOn(left), dependsOn(right)], run })
    expect(problems({ cool: { top, left, right, bottom } })).toEqual([])
  })

  test('an argument that nobody gives makes a dependency that can be met but not started, and is warned of', () => {
    expect(withRule(foo, { args: { b: same } }).warnings).toEqual([
      'cool.bar depends on cool.foo and does not give its argument "a": the dependency can be met but not started; give the argument, or give the parameter a default',
    ])
    expect(withRule(foo, { args: { a: 1 } }).warnings).toEqual([])
  })

  test('all problems are listed at once', () => {
    const bar = loose({
      params: { x: 1, y: v.picklist(['ALL']) },
      writeAll: ['z'],
      dependencies: [dependsOn('cool.nothing'), dependsOn(foo, { withinHours: 0, args: { a: same } })],
      processUnits: 0,
      run,
    })
    expect(problems({ cool: { foo, bar, default: task({ params: {}, run }) } })).toHaveLength(8)
  })
})

describe('hashes', () => {
  const make = (options: object) => catalogOf({ cool: { foo: loose({ params: { a: v.number() }, run, ...options }) } })

  test('the same definitions have the same hashes', () => {
    expect(make({}).hash).toBe(make({}).hash)
    expect(make({}).hashes).toEqual({ 'cool.foo': make({}).tasks[0]!.hash })
    expect(make({ run: () => 'other code' }).hash).toBe(make({}).hash)
  })

  test('the hash changes with any part of the definition', () => {
    const others = [
      { params: { a: v.string() } },
      { params: { b: v.number() } },
      { params: { a: v.optional(v.number(), 1) } },
      { params: { a: v.optional(v.number(), 2) } },
      { description: 'x' },
      { processUnits: 2 },
      { processLimit: 1 },
      { maxAttempts: 4 },
      { timeoutMs: 1 },
    ].map((options) => make(options).hash)
    expect(new Set([make({}).hash, ...others]).size).toBe(others.length + 1)
  })
})

describe('arguments at the start', () => {
  const bar = task({
    params: {
      a: v.optional(v.number(), 1),
      b: v.picklist([1, 2, 3]),
      day: v.optional(
        v.pipe(
          v.string(),
          v.isoDate(),
          v.transform((text) => new Date(text)),
        ),
      ),
      deep: v.optional(
        v.object({
          rows: v.array(
            v.object({
              name: v.pipe(
                v.string(),
                v.check((name) => name !== 'x', 'not x'),
              ),
            }),
          ),
        }),
      ),
    },
    run,
  })
  const { parse } = catalogOf({ cool: { bar } }).byName.get('cool.bar')!

  test('what run gets is the output of the schemas', () => {
    expect(parse({ b: 2, day: '2024-02-01' })).toEqual({ ok: true, args: { a: 1, b: 2, day: new Date('2024-02-01') } })
  })

  test.each<[Parameters<typeof parse>[0], string]>([
    [{}, 'cool.bar: missing argument "b"'],
    [{ b: 4 }, 'cool.bar: "b": Invalid type: Expected (1 | 2 | 3) but received 4'],
    [{ b: 1, z: 1 }, 'cool.bar: unknown argument "z"'],
    [{ b: 1, deep: { rows: [{ name: 'x' }] } }, 'cool.bar: "deep".rows.0.name: not x'],
  ])('what they refuse is named: %#', (args, problem) => {
    expect(parse(args)).toEqual({ ok: false, problem })
  })
})

describe('what makes jobs unique', () => {
  test.each([
    [{ unique: 'ever' }, 'cool.foo: unique must be "waiting", "active" or { withinSeconds }, got "ever": change it'],
    [{ unique: {} }, 'cool.foo: unique must be "waiting", "active" or { withinSeconds }, got {}: change it'],
    [
      { unique: { withinSeconds: -1 } },
      'cool.foo: withinSeconds must be a number above 0, at most 31536000, got -1: change it',
    ],
    [
      { uniqueKey: ['n', 'm'] },
      'cool.foo: uniqueKey names "m", which is no parameter (known: n): remove it, or add it to params',
    ],
    [{ uniqueKey: [] }, 'cool.foo: uniqueKey names no parameter: name one, or leave it out for all arguments'],
    [{ debounceSeconds: 0 }, 'cool.foo: debounceSeconds must be a number above 0, at most 31536000, got 0: change it'],
    [
      { debounceSeconds: 5, unique: 'active' },
      'cool.foo: debounceSeconds moves a job that waits: it goes with unique "waiting", so remove one of them',
    ],
  ])('%j is refused by deploy', (rule, problem) => {
    expect(problems({ cool: { foo: loose({ params: { n: v.number() }, run, ...rule }) } })).toEqual([problem])
  })

  test('is a part of the definition: it changes the hash, and one without a rule has the hash that it had', () => {
    const hash = (rule: object) => catalogOf({ cool: { foo: loose({ params: {}, run, ...rule }) } }).hashes['cool.foo']
    expect(hash({ unique: 'active' })).not.toBe(hash({}))
    expect(hash({ unique: undefined })).toBe(hash({}))
  })
})
