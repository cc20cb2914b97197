import fc from 'fast-check'
import * as v from 'valibot'
import { beforeAll, expect, test } from 'vitest'
import { jsonProblem } from '../../src/json.ts'
import { accepts, parameterOf } from '../../src/parameter.ts'
import { setup } from '../support/jobs.ts'
import type { Sql } from '../support/sql.ts'

let sql: Sql
beforeAll(async () => {
  sql = (await setup({})).sql
})

/** What the database says of each value: null, or why it is refused. */
async function verdicts(schema: v.GenericSchema, values: readonly unknown[]): Promise<(string | null)[]> {
  const json = JSON.stringify(parameterOf('a', schema, false).schema)
  const rows = await sql<{ phrase: string | null }>`
    select jobmaster.check_value(${json}::text::jsonb, value) as phrase
    from jsonb_array_elements(${JSON.stringify(values)}::text::jsonb) with ordinality given (value, position)
    order by position`
  return rows.map(({ phrase }) => phrase)
}

/** Every value that Valibot accepts, and where the schema is exact no other, is accepted by the database. */
async function agree(schema: v.GenericSchema, values: readonly unknown[]): Promise<void> {
  const { exact, schema: json } = parameterOf('a', schema, false)
  const said = await verdicts(schema, values)
  for (const [index, value] of values.entries()) {
    const phrase = said[index]!
    const accepted = accepts(schema, value)
    const about = `${JSON.stringify(json)} on ${JSON.stringify(value)}`
    if (accepted) expect(phrase, about).toBeNull()
    if (!accepted && exact) expect(phrase, about).not.toBeNull()
  }
}

test.each<[v.GenericSchema, unknown, string]>([
  [v.string(), 4, 'must be a string, got number'],
  [v.string(), null, 'must be a string, got null'],
  [v.number(), '4', 'must be a number, got string'],
  [v.boolean(), 'yes', 'must be a boolean, got string'],
  [v.array(v.string()), {}, 'must be an array, got object'],
  [v.object({}), [], 'must be an object, got array'],
  [v.nullable(v.number()), 'x', 'must be a number or null, got string'],
  [v.picklist([1, 2, 3]), 4, 'must be one of 1, 2, 3, got 4'],
  [v.literal('a'), 'b', 'must be "a", got "b"'],
  [v.pipe(v.number(), v.integer()), 1.5, 'must be a whole number, got 1.5'],
  [v.pipe(v.number(), v.minValue(1)), 0, 'must be at least 1, got 0'],
  [v.pipe(v.number(), v.maxValue(1)), 2, 'must be at most 1, got 2'],
  [v.pipe(v.number(), v.gtValue(1)), 1, 'must be greater than 1, got 1'],
  [v.pipe(v.number(), v.ltValue(1)), 1, 'must be less than 1, got 1'],
  [v.pipe(v.number(), v.multipleOf(5)), 7, 'must be a multiple of 5, got 7'],
  [v.pipe(v.string(), v.maxLength(5)), '123456789', 'must have at most 5 characters, got 9'],
  [v.pipe(v.string(), v.nonEmpty()), '', 'must have at least 1 character, got 0'],
  [v.pipe(v.array(v.any()), v.minLength(2)), [1], 'must have at least 2 items, got 1'],
  [v.strictTuple([v.any()]), [1, 2], 'must have at most 1 item, got 2'],
  [v.pipe(v.string(), v.email()), 'x', 'must be a valid email, got "x"'],
  [v.pipe(v.string(), v.url()), 'x', 'must be a valid url, got "x"'],
  [v.pipe(v.string(), v.regex(/^\d+$/)), 'x', 'must match /^\\d+$/, got "x"'],
  [v.pipe(v.string(), v.startsWith('a"')), 'x', 'must start with "a\\"", got "x"'],
  [v.pipe(v.string(), v.notValue('x')), 'x', 'must not be "x"'],
  [v.never(), 1, 'takes no value, got 1'],
  [
    v.array(v.object({ name: v.string() })),
    [{ name: 'a' }, { name: 'b' }, { name: null }],
    '[2].name must be a string, got null',
  ],
  [v.array(v.object({ name: v.string() })), [{}], '[0] has no key "name"'],
  [v.object({ 'two words': v.string() }), { 'two words': 1 }, '["two words"] must be a string, got number'],
  [v.strictObject({}), { a: 1 }, 'has the unknown key "a"'],
  [v.record(v.picklist(['a']), v.any()), { b: 1 }, 'has the key "b", which must be "a", got "b"'],
  [v.pipe(v.record(v.string(), v.any()), v.maxEntries(1)), { a: 1, b: 2 }, 'must have at most 1 key, got 2'],
  [
    v.union([v.string(), v.array(v.number())]),
    [null],
    'fits none of its forms: must be a string, got array; [0] must be a number, got null',
  ],
  [v.picklist(['x'.repeat(200)]), 'y'.repeat(200), `must be "${'x'.repeat(98)}…, got "${'y'.repeat(98)}…`],
])('a value that does not fit is told how: %#', async (schema, value, phrase) => {
  expect(await verdicts(schema, [value])).toEqual([phrase])
})

test('numbers are compared as JavaScript holds them', async () => {
  const check = async (schema: v.GenericSchema, number: string) => {
    const json = JSON.stringify(parameterOf('a', schema, false).schema)
    const [row] = await sql<{
      phrase: string | null
    }>`select jobmaster.check_value(${json}::text::jsonb, ${number}::text::jsonb) as phrase`
    return row!.phrase
  }
  expect(await check(v.picklist([1, 2]), '2.0')).toBeNull()
  expect(await check(v.pipe(v.number(), v.maxValue(0.3)), '0.30000000000000000001')).toBeNull()
  expect(await check(v.pipe(v.number(), v.integer()), '1.00000000000000000001')).toBeNull()
  expect(await check(v.pipe(v.number(), v.integer()), '1e300')).toBeNull()
  expect(await check(v.number(), '1e-400')).toBeNull()
  expect(await check(v.number(), '1e400')).toMatch(/^must be a number that fits 64 bits, got 1000/)
})

test('a string is as long as JavaScript finds it', async () => {
  await agree(v.pipe(v.string(), v.length(2)), ['😀', 'ab', 'éé', 'a', '😀😀', '👩‍👩‍👧'])
})

test('a schema that refers to itself is checked to the hundredth level and no further', async () => {
  interface Tree {
    child?: Tree | undefined
  }
  const tree: v.GenericSchema<Tree> = v.object({ child: v.optional(v.lazy(() => tree)) })
  const nested = (levels: number, end: unknown) => {
    let value = end
    for (let level = 0; level < levels; level += 1) value = { child: value }
    return value
  }
  const [fits, near, far, deep] = await verdicts(tree, [
    nested(20, {}),
    nested(3, 1),
    nested(200, 1),
    nested(1_000, {}),
  ])
  expect(fits).toBeNull()
  expect(near).toBe('.child.child.child must be an object, got number')
  expect(far).toBeNull()
  expect(deep).toBeNull()
})

const formats = {
  base64: v.base64(),
  bic: v.bic(),
  cuid2: v.cuid2(),
  decimal: v.decimal(),
  digits: v.digits(),
  domain: v.domain(),
  email: v.email(),
  emoji: v.emoji(),
  hash: v.hash(['md5', 'sha1']),
  hexadecimal: v.hexadecimal(),
  hexColor: v.hexColor(),
  ip: v.ip(),
  ipv4: v.ipv4(),
  ipv6: v.ipv6(),
  isoDate: v.isoDate(),
  isoDateTime: v.isoDateTime(),
  isoTime: v.isoTime(),
  isoTimeSecond: v.isoTimeSecond(),
  isoTimestamp: v.isoTimestamp(),
  isoWeek: v.isoWeek(),
  isrc: v.isrc(),
  jwsCompact: v.jwsCompact(),
  mac: v.mac(),
  mac48: v.mac48(),
  mac64: v.mac64(),
  nanoid: v.nanoid(),
  octal: v.octal(),
  rfcEmail: v.rfcEmail(),
  slug: v.slug(),
  ulid: v.ulid(),
  url: v.url(),
  uuid: v.uuid(),
}

const samples = [
  [
    '',
    ' ',
    'a',
    'A',
    '0',
    'ab',
    '1234',
    '1.5',
    '-3',
    '+.5',
    '0x1F',
    '0o17',
    '#fff',
    '#a1b2c3',
    'a-b_c',
    'Ünïcödé',
    '😀',
    'a😀',
  ],
  ['YWJj', 'YWI=', 'YQ==', 'DEUTDEFF', 'DEUTDEFF500', 'tz4a98xxat96iws9zmbrgj3a', 'example.com', 'xn--80ak6aa92e.com'],
  ['jane@example.com', 'jane.doe+x@mail.example.co', "o'neil@example.com", 'a@b', 'a@b.c', 'not an email'],
  ['1.2.3.4', '256.1.1.1', '::1', 'fe80::1%eth0', '2001:db8::ff00:42:8329', '::ffff:1.2.3.4', '1::2::3'],
  ['2024-02-29', '2024-13-01', '2024-02-29T12:30', '2024-02-29 12:30', '12:30', '24:00', '12:30:59'],
  ['2024-02-29T12:30:59Z', '2024-02-29T12:30:59.123+02:00', '2024-W09', '2024-W60', 'USRC17607839'],
  ['00:1b:44:11:3a:b7', '00-1B-44-11-3A-B7', '001B.4411.3AB7', '01ARZ3NDEKTSV4RRFFQ69G5FAV', 'eyJh.eyJz.c2ln'],
  ['550e8400-e29b-41d4-a716-446655440000', '550E8400-E29B-41D4-A716-446655440000', 'd41d8cd98f00b204e9800998ecf8427e'],
  [
    'https://example.com/a?b#c',
    'mailto:x@y.z',
    ' https://example.com',
    'ht\ntp://example.com',
    '//example.com',
    'https//x',
  ],
  ['line\nend', 'tab\t', '\u2028', '\u00a0', '\ufeff', 'Kelvin \u212a', 'long \u017f', '*.+?^${}()|[]\\/-', '_'],
].flat()

test.each(Object.entries(formats))('the format %s is read alike by database and Valibot', async (_, format) => {
  const schema = v.pipe(v.string(), format as ReturnType<typeof v.email>)
  await agree(schema, samples)
})

test('the formats that can be checked in the database all are, but for emoji and url', () => {
  const inexact = Object.entries(formats).filter(
    ([, format]) => !parameterOf('a', v.pipe(v.string(), format as ReturnType<typeof v.email>), false).exact,
  )
  expect(inexact.map(([name]) => name)).toEqual(['emoji', 'url'])
})

test.each<[RegExp, boolean]>([
  [/a/, true],
  [/^a|b$/, true],
  [/^(a|bc|)d?$/, true],
  [/^[a-c0-9_-]+$/, true],
  [/^[^a-c]$/, false],
  [/^[^a-c]$/u, true],
  [/^.$/, false],
  [/^.$/u, true],
  [/^.$/su, true],
  [/^.+@.+$/, false],
  [/^\w+\s\w+$/, true],
  [/^\W$/u, true],
  [/^\S+$/u, true],
  [/^[\d\s]+$/, true],
  [/^[^\d\s]+$/u, true],
  [/^[\D]$/u, true],
  [/^(?:[A-Z][a-z]*\.?\s?){1,3}$/, true],
  [/^a{2}b{1,}c{0,2}?$/, true],
  [/^(?=.*\d)(?!.*x).{2,8}$/u, true],
  [/^[a-z]+$/i, true],
  [/^[j-l]$/iu, true],
  [/^\w$/iu, true],
  [/^s$/iu, true],
  [/^[\u00e0-\u00ff]+$/, true],
  [/^[\u{1f600}-\u{1f64f}]$/u, true],
  [/^\*\.\+\?\^\$\{\}\(\)\|\[\]\\\/-$/, true],
  [/^[*.+?^${}()|[\]\\/-]+$/, true],
  [/^[\]^-]+$/, true],
  [/\t|\n|\x41|\u0042/, true],
  [/^x{1,300}$/, false],
  [/^((x{1,50}){1,50}){1,50}$/, false],
  [/\bword\b/, false],
  [/^a$/m, false],
  [/^a/y, false],
  [/a/g, false],
  [/é/i, false],
  [/^(?<name>a)$/, true],
  [/(?<=a)b/, false],
  [/(a)\1/, false],
  [/\p{Lu}/u, false],
  [new RegExp('[]'), false],
  [/^[^]$/u, true],
  [new RegExp(''), true],
])('the pattern %s is read alike, or left to the start of the job', async (pattern, exact) => {
  const schema = v.pipe(v.string(), v.regex(pattern))
  expect(parameterOf('a', schema, false).exact).toBe(exact)
  await agree(schema, [...samples, ...letters])
})

const letters = [
  [
    'abc',
    'bcd',
    'd',
    'cd',
    'AbC',
    'k',
    'K',
    'J',
    'S',
    'é',
    'É',
    'àÿ',
    '🙂',
    '12',
    '1 2',
    'word',
    'a word b',
    'aab',
    'aabcc',
  ],
  ['A.B', 'Ab. Cd', 'x1', '1y', '12x', '😀1', 'x'.repeat(301), 'aa', '*.+?^${}()|[]\\/-', ']^-', 'B', 'a\n', '\u0001'],
].flat()

const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '1', ' ', '-', 'é', '😀', '\n', '"'), maxLength: 6 })
const whole = fc.integer({ min: -20, max: 20 })
const number = fc.oneof(
  whole,
  whole.map((n) => n / 4),
  fc.constantFrom(0.1, 0.30000000000000004, 1e21, 2 ** 53, -1e-7, 5e-324),
)
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null))
const key = fc.constantFrom('a', 'b', 'c', 'kind')
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value

/** A schema, and values of which many fit it. */
interface Made {
  schema: v.GenericSchema
  fitting: fc.Arbitrary<unknown>
}

const piped = (schema: v.GenericSchema, actions: readonly unknown[]) =>
  (v.pipe as unknown as (...items: unknown[]) => v.GenericSchema)(schema, ...actions)

/** Valibot takes an array for an object whose keys are all optional. No type does, and the database does not. */
function noArray(schema: v.GenericSchema): v.GenericSchema {
  const inner = schema['~run']
  return {
    ...schema,
    '~run': (dataset, config) =>
      Array.isArray(dataset.value) ? v.never()['~run'](dataset, config) : inner.call(schema, dataset, config),
  }
}

const stringAction = fc.oneof(
  fc.integer({ min: 0, max: 5 }).chain((n) => fc.constantFrom<unknown>(v.minLength(n), v.maxLength(n), v.length(n))),
  fc.constantFrom<unknown>(
    ...[
      [
        v.nonEmpty(),
        v.empty(),
        v.startsWith('a'),
        v.endsWith('1'),
        v.includes('😀'),
        v.regex(/^[a-z 1]*$/),
        v.regex(/./),
      ],
      [v.values(['a', 'b', 'ab']), v.notValue('a'), v.notValues(['', 'b']), v.value('a'), v.brand('Text'), v.digits()],
      [
        v.check((given: string) => given.length % 2 === 0),
        v.trim(),
        v.toUpperCase(),
        v.transform((given: string) => given.length),
      ],
    ].flat(),
  ),
)
const numberAction = fc.oneof(
  number.chain((n) =>
    fc.constantFrom<unknown>(v.minValue(n), v.maxValue(n), v.gtValue(n), v.ltValue(n), v.notValue(n)),
  ),
  fc.constantFrom<unknown>(
    v.integer(),
    v.safeInteger(),
    v.finite(),
    v.multipleOf(3),
    v.multipleOf(0.1),
    v.values([1, 2, 0.1]),
  ),
)
const leaf: fc.Arbitrary<Made> = fc.oneof(
  fc.array(stringAction, { maxLength: 3 }).map((actions) => ({ schema: piped(v.string(), actions), fitting: text })),
  fc.array(numberAction, { maxLength: 3 }).map((actions) => ({ schema: piped(v.number(), actions), fitting: number })),
  fc.constant({ schema: v.boolean(), fitting: fc.boolean() }),
  fc.constant({ schema: v.null(), fitting: fc.constant(null) }),
  fc.constant({ schema: v.unknown(), fitting: scalar }),
  fc.constant({ schema: v.date(), fitting: scalar }),
  fc.array(fc.oneof(whole, text), { minLength: 1, maxLength: 4 }).map((options) => ({
    schema: v.picklist(options),
    fitting: fc.constantFrom(...options),
  })),
  fc.oneof(whole, text, fc.boolean()).map((only) => ({ schema: v.literal(only), fitting: fc.constant(only) })),
)
const made = fc.letrec<{ made: Made }>((tie) => {
  const some = (least: number) => fc.array(tie('made'), { minLength: least, maxLength: 3 })
  return {
    made: fc.oneof(
      { maxDepth: 2 },
      leaf,
      fc
        .tuple(tie('made'), fc.integer({ min: 0, max: 3 }), fc.constantFrom('', 'min', 'max', 'length'))
        .map(([{ schema, fitting }, size, bound]) => ({
          schema: piped(
            v.array(schema),
            {
              '': [],
              min: [v.minLength(size)],
              max: [v.maxLength(size)],
              length: [v.length(size)],
            }[bound]!,
          ),
          fitting: fc.array(fitting, { maxLength: 4 }),
        })),
      fc
        .tuple(some(0), tie('made'), fc.constantFrom('tuple', 'strict', 'loose', 'rest'), fc.boolean())
        .map(([items, rest, kind, lastIsOptional]) => {
          const schemas = items.map(({ schema }, index) =>
            lastIsOptional && index === items.length - 1 ? v.optional(schema) : schema,
          )
          const make = { tuple: v.tuple, strict: v.strictTuple, loose: v.looseTuple }
          return {
            schema:
              kind === 'rest'
                ? v.tupleWithRest(schemas, rest.schema)
                : (make[kind as keyof typeof make] as (of: unknown) => v.GenericSchema)(schemas),
            fitting: fc
              .tuple(fc.tuple(...items.map(({ fitting }) => fitting)), fc.array(rest.fitting, { maxLength: 2 }))
              .chain(([first, more]) => fc.constantFrom<unknown>(first, [...first, ...more], first.slice(0, -1))),
          }
        }),
      fc
        .tuple(
          some(0),
          tie('made'),
          fc.constantFrom('object', 'strict', 'loose', 'rest'),
          fc.constantFrom('required', 'optional', 'nullish', 'default'),
        )
        .map(([items, rest, kind, first]) => {
          const wrap = {
            required: (s: v.GenericSchema) => s,
            optional: v.optional,
            nullish: v.nullish,
            default: (s: v.GenericSchema) => v.optional(s, 1),
          }
          const names = ['a', 'b', 'c']
          const entries = Object.fromEntries(
            items.map(({ schema }, index) => [
              names[index]!,
              index === 0
                ? (wrap[first as keyof typeof wrap] as (s: v.GenericSchema) => v.GenericSchema)(schema)
                : schema,
            ]),
          )
          const make = { object: v.object, strict: v.strictObject, loose: v.looseObject }
          return {
            schema: noArray(
              kind === 'rest'
                ? v.objectWithRest(entries, rest.schema)
                : (make[kind as keyof typeof make] as (of: unknown) => v.GenericSchema)(entries),
            ),
            fitting: fc.record(Object.fromEntries(items.map(({ fitting }, index) => [names[index]!, fitting])), {
              ...(items.length > 1 && { requiredKeys: names.slice(1, items.length) }),
              noNullPrototype: true,
            }),
          }
        }),
      fc.tuple(tie('made'), fc.boolean()).map(([{ schema, fitting }, named]) => ({
        schema: noArray(v.record(named ? v.picklist(['a', 'b']) : v.pipe(v.string(), v.maxLength(1)), schema)),
        fitting: fc.dictionary(key, fitting, { maxKeys: 3, noNullPrototype: true }),
      })),
      some(1).map((options) => ({
        schema: v.union(options.map(({ schema }) => schema)),
        fitting: fc.oneof(...options.map(({ fitting }) => fitting)),
      })),
      fc.tuple(tie('made'), tie('made')).map(([left, right]) => ({
        schema: v.variant('kind', [
          v.object({ kind: v.literal('a'), a: left.schema }),
          v.object({ kind: v.picklist(['b', 'c']), b: right.schema }),
        ]),
        fitting: fc.oneof(
          left.fitting.map((a) => ({ kind: 'a', a })),
          right.fitting.map((b) => ({ kind: 'c', b })),
        ),
      })),
      fc.tuple(tie('made'), tie('made')).map(([left, right]) => ({
        schema: noArray(v.intersect([v.object({ a: left.schema }), v.object({ b: right.schema })])),
        fitting: fc.tuple(left.fitting, right.fitting).map(([a, b]) => ({ a, b })),
      })),
      tie('made').map(({ schema, fitting }) => ({
        schema: v.nullable(schema),
        fitting: fc.oneof(fitting, fc.constant(null)),
      })),
      tie('made').map(({ schema, fitting }) => ({ schema: v.fallback(schema, 1 as never), fitting })),
    ),
  }
}).made

test(
  'the database accepts what Valibot accepts, and refuses what it refuses where the schema is exact',
  { timeout: 60_000 },
  async () => {
    const cases = made.chain(({ schema, fitting }) =>
      fc
        .array(fc.oneof({ weight: 3, arbitrary: fitting }, { weight: 1, arbitrary: value }), {
          minLength: 10,
          maxLength: 30,
        })
        .map((values) => ({
          schema,
          values,
          [fc.toStringMethod]: () => JSON.stringify([parameterOf('a', schema, false).schema, values]),
        })),
    )
    await fc.assert(
      fc.asyncProperty(cases, async ({ schema, values }) => {
        // As the job would have them, after the database: no -0.
        const given: unknown[] = JSON.parse(JSON.stringify(values.filter((one) => jsonProblem(one, 'value') === null)))
        await agree(schema, given)
      }),
      { numRuns: 400 },
    )
  },
)
