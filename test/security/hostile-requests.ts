import fc from 'fast-check'

/** A request of the fuzz test: what it is sent with, and as whom. */
export interface Sent {
  method: string
  path: string
  /** What the path is of, where it is of one: `/jobs/:id`. */
  route?: string
  query: string
  /** The secret of its route, a right signature, or what somebody might try. */
  credentials: 'right' | 'signed' | { value: string | undefined }
  type: string | undefined
  more: Record<string, string>
  body: string | Uint8Array | undefined
}

/** Right nine times of ten: so that what is spoilt gets as far as it can. */
export function mostly<T, U>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<U>): fc.Arbitrary<T | U> {
  return fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: wrong })
}

/** One of these words. */
function oneOf(words: string): fc.Arbitrary<string> {
  return fc.constantFrom(...words.trim().split(/\s+/))
}

export const text = mostly(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('', '\u0000', '\ud83d', 'x.\u0000y', '__proto__', 'constructor', '日本語🚀', 'ALL', 'null'),
    fc.constantFrom("' or 1=1; --", '"', '\\', '%s', '$1', '${x}', '{{x}}', '<script>'),
  ),
  fc.constantFrom(1_000, 70_000).map((length) => 'x'.repeat(length)),
)
const number = fc.oneof(
  fc.integer({ min: -2, max: 30 }),
  fc.constantFrom(0.5, -0, 1e9 + 1, 2 ** 31, 2 ** 53, 2 ** 63, 1e21, 1e308, 5e-324),
)
const anything = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.constant(null),
  fc.json({ maxDepth: 3 }).map((written) => JSON.parse(written) as unknown),
  fc.constantFrom('@deep 600', '@deep 40000', [], {}),
)
const option = fc.constantFrom(1, 2, 3, 'ALL')
const args = mostly(
  fc.oneof(
    fc.record({ b: option }),
    fc.record({ a: fc.integer(), b: option }),
    fc.record({ b: fc.constantFrom(1, 2, 3), c: text }),
    fc.constant({}),
  ),
  fc.oneof(
    fc.record({ a: anything, b: anything, c: anything }),
    fc.dictionary(text, anything, { maxKeys: 3 }),
    anything,
  ),
)
export const times = fc.constantFrom('2030-01-31T12:00:00Z', '2000-01-31T12:00:00.5+14:00', '9999-12-31T23:59:59Z')
const wrongTimes = fc.constantFrom('0000-01-01T00:00:00Z', '2030-02-31T12:00:00Z', '2030-13-01T00:00:00Z', 'infinity')

/** All that any route takes in its body: each request has some of it. */
const fields = {
  task: mostly(
    fc.constantFrom('cool.foo', 'cool.foo', 'cool.bar', 'cool.bad'),
    fc.oneof(fc.constantFrom('cool.none', 'cool', 'cool.foo.x', '.', 'default'), text, anything),
  ),
  args,
  status: mostly(fc.constantFrom('waiting', 'scheduled', 'failed', 'cancelled', 'completed', 'running'), anything),
  priority: mostly(fc.integer({ min: -1e9, max: 1e9 }), anything),
  runAt: mostly(times, fc.oneof(wrongTimes, anything)),
  after: mostly(fc.constantFrom(1, [1, 2], { groups: 1, ifFailed: 'run' }), anything),
  group: mostly(
    fc.constantFrom(
      true,
      {},
      { onComplete: { task: 'cool.foo', args: { b: 1 } } },
      { onFailed: { task: 'cool.none' } },
    ),
    anything,
  ),
  limit: mostly(fc.integer({ min: 1, max: 3 }), anything),
  drain: mostly(fc.boolean(), anything),
  budget: mostly(fc.double({ min: 0.1, max: 30, noNaN: true }), anything),
  concurrency: mostly(fc.integer({ min: 1, max: 2_000_000_000 }), anything),
  depth: mostly(fc.nat(), anything),
  share: mostly(fc.integer({ min: 1 }), anything),
  background: mostly(fc.boolean(), anything),
}
type Field = keyof typeof fields

const bodies: [route: RegExp, required: Field[], more: Field[]][] = [
  [/^\/jobs$/, ['task', 'args'], ['priority', 'runAt', 'after', 'drain']],
  [/^\/jobs\/\w+$/, ['task'], ['status', 'limit']],
  [/\/change$/, ['priority'], ['runAt']],
  [/^\/drain$/, [], ['budget', 'concurrency', 'background', 'depth', 'share']],
]

function some(required: readonly Field[], more: readonly Field[]) {
  const all = Object.fromEntries([...required, ...more].map((name) => [name, fields[name]]))
  return fc.oneof(
    { weight: 8, arbitrary: fc.record(all, { requiredKeys: [...required] }) },
    { weight: 1, arbitrary: fc.record(fields, { requiredKeys: [] }) },
  )
}

function bodyFor(route: string): fc.Arbitrary<string | Uint8Array | undefined> {
  const [, required, more] = bodies.find(([pattern]) => pattern.test(route)) ?? ['', [], []]
  const job = some(['task', 'args'], ['priority', 'runAt', 'after'])
  const batch = fc.record(
    { jobs: mostly(fc.array(job, { maxLength: 4 }), anything), group: fields.group, drain: fields.drain },
    { requiredKeys: ['jobs'] },
  )
  const right = route === '/jobs/batch' ? batch : some(required, more)
  return fc.oneof(
    { weight: 12, arbitrary: right.map(json) },
    { weight: 1, arbitrary: anything.map(json) },
    { weight: 1, arbitrary: fc.tuple(right, fc.nat(60)).map(([body, length]) => json(body).slice(0, length)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        undefined,
        '',
        '\uFEFF{}',
        '{"task": 1e400}',
        '{"__proto__": {"x": 1}}',
        `{"args": ${'['.repeat(100_000)}`,
        `"${'x'.repeat(1_100_000)}"`,
      ),
    },
  )
}

/** What JSON.stringify cannot write, for its depth, is put in afterwards. */
function json(value: unknown): string {
  const written = JSON.stringify(value)
  return written.replace(/"@deep (\d+)"/g, (_, levels: string) => '['.repeat(+levels) + ']'.repeat(+levels))
}

const names = fc.constantFrom('%00', 'cool.%00', '%ED%A0%80', '%', "'", '%22%3B--', '%F0%9F%9A%80', 'x'.repeat(600))
const ids = fc.constantFrom(
  '0',
  '-1',
  '1.5',
  '1e3',
  '9007199254740993',
  '%00',
  '%',
  '%E0%A4%A',
  '..',
  '%2e',
  '1%2F2',
  '１',
)
export const parts: Record<string, fc.Arbitrary<string>> = {
  id: mostly(fc.integer({ min: 1, max: 200 }).map(String), ids),
  name: mostly(
    fc.constantFrom('cool.foo', 'cool.bad', 'default'),
    fc.oneof(
      names,
      text.map((part) => encodeURIComponent(part.toWellFormed())),
    ),
  ),
}

const queries = oneOf(`
  ? ?stream ?stream=1&background=1 ?budget=0.1 ?budget=1e400 ?concurrency=0 ?limit=1000
  ?limit=1001 ?status=failed ?status=failed&status=lost ?cursor=999999999999999999 ?cursor=-1
  ?task=%00 ?task=% ?a[b]=c ?__proto__=1 ?concurrency=999999999 ?stream=yes`)
const pairs = fc.dictionary(fc.constantFrom(...Object.keys(fields), 'cursor', 'stream', 'x'), text, { maxKeys: 3 })
const query = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: queries },
  {
    weight: 1,
    arbitrary: pairs.map((found) => {
      const wellFormed = Object.entries(found).map(([name, value]) => [name, value.toWellFormed()])
      return `?${String(new URLSearchParams(wellFormed))}`
    }),
  },
)

/** What a header can carry. */
const headerText = fc
  .array(
    fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f),
    { maxLength: 20 },
  )
  .map((codes) => String.fromCharCode(...codes))
const guesses = fc.oneof(
  fc.constantFrom(undefined, '', 'Bearer', 'Bearer ', 'Basic eDp5', `Bearer ${'x'.repeat(70_000)}`),
  headerText,
  headerText.map((value) => `Bearer ${value}`),
)
const credentials = fc.oneof(
  { weight: 5, arbitrary: fc.constant('right' as const) },
  { weight: 1, arbitrary: fc.constant('signed' as const) },
  { weight: 2, arbitrary: guesses.map((value) => ({ value })) },
)
const types = fc.constantFrom(undefined, 'application/json; charset=utf-16', 'text/plain', 'multipart/form-data')
const type = mostly(fc.constant('application/json'), fc.oneof(types, headerText))
const headerNames = oneOf(`
  accept content-length transfer-encoding content-encoding origin cookie x-forwarded-for
  x-http-method-override webhook-id webhook-timestamp webhook-signature traceparent range`)
const headerValues = fc.oneof(
  headerText,
  fc.constantFrom('0', '-1', '1e9', '99999999999', 'chunked', 'gzip', 'v1,AAAA v1,====', '*'),
)
const more = mostly(fc.constant({}), fc.dictionary(headerNames, headerValues, { maxKeys: 2 }))

const methods = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND')
const strays = oneOf(`
  / // /jobs/ /jobs// /jobs/1/ /JOBS /drain%00 /%2e%2e/status /jobs/1/attempts/1 /.env`)

/** Requests to these routes, which are Hono's, so that a new one is among them; and to paths of no route. */
export function requestsTo(routes: readonly { method: string; path: string }[]): fc.Arbitrary<Sent> {
  const known = fc.constantFrom(...routes).chain(({ method, path }) =>
    fc.record({
      method: mostly(fc.constant(method), methods),
      route: fc.constant(path),
      path: fc
        .tuple(...path.split('/').map((part) => parts[part.slice(1)] ?? fc.constant(part)))
        .map((all) => all.join('/')),
      body: bodyFor(path),
    }),
  )
  const unknown = fc.record({
    method: fc.constantFrom('GET', 'POST'),
    path: fc.oneof(fc.webPath(), strays),
    body: fc.constantFrom(undefined, '{}'),
  })
  const target = fc.oneof({ weight: 12, arbitrary: known }, { weight: 1, arbitrary: unknown })
  return fc.tuple(target, fc.record({ query, credentials, type, more })).map(([sent, rest]) => ({ ...sent, ...rest }))
}
