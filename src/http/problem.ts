import { HTTPException } from 'hono/http-exception'
import { JobMasterError } from '../errors.ts'

/** What is wrong with one value that was sent, and where it stands: `args.c` of the body. */
export interface FieldError {
  in: 'body' | 'query' | 'path'
  field: string
  detail: string
}

interface ProblemParts {
  detail: string
  /** Of a JobMasterError: JM001 … */
  code?: string
  errors?: readonly FieldError[]
  headers?: Record<string, string>
  cause?: unknown
}

export type ProblemStatus = keyof typeof titles

export const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const

const longest = 500

/** An answer that is not what was asked for, as problem details: https://www.rfc-editor.org/rfc/rfc9457 */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: ProblemStatus
  private readonly parts: ProblemParts

  constructor(status: ProblemStatus, parts: ProblemParts) {
    super(parts.detail, { cause: parts.cause })
    this.status = status
    this.parts = parts
  }

  /** As the body of an answer. */
  get body() {
    const { code, errors } = this.parts
    return {
      type: 'about:blank',
      title: titles[this.status],
      status: this.status,
      detail: cut(this.parts.detail),
      ...(code && { code }),
      ...(errors && {
        errors: errors.slice(0, 100).map((error) => ({ ...error, field: cut(error.field), detail: cut(error.detail) })),
      }),
    }
  }

  response(): Response {
    const headers = { 'content-type': 'application/problem+json', ...this.parts.headers }
    return new Response(JSON.stringify(this.body), { status: this.status, headers })
  }
}

function cut(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

/** What to answer where this was thrown. What its sender cannot mend is not said: it stays the problem's `cause`. */
export function problemOf(error: unknown, path = ''): Problem {
  if (error instanceof Problem) return error
  if (error instanceof JobMasterError) return problemOfEngine(error, path)
  // Hono's own: its validator throws one for a body that is not JSON.
  if (error instanceof HTTPException && error.status === 400) {
    return new Problem(400, { detail: 'the body is not valid JSON', cause: error })
  }
  return new Problem(500, { detail: 'something went wrong here: the log of this function says what', cause: error })
}

function problemOfEngine(error: JobMasterError, path: string): Problem {
  const { code, message: detail } = error
  // What the path names, and is not there.
  const isNamed = code === 'JM001' && /\/tasks\/[^/]+\/\w+$/.test(path)
  const isGroup = code === 'JM018' && /\/groups\/[^/]+$/.test(path)
  if (code === 'JM011' || code === 'JM015' || code === 'JM017' || isNamed || isGroup)
    return new Problem(404, { detail, code, cause: error })
  if (code === 'JM012') return new Problem(409, { detail, code, cause: error })
  if (code === 'JM010') {
    return new Problem(503, { detail: 'JobMaster is not deployed here: run `jobmaster deploy`', code, cause: error })
  }
  if (/^JM00[1-9]$/.test(code) || code === 'JM018') {
    const field = fieldOf(error, path.endsWith('/jobs/batch'))
    return new Problem(422, { detail, code, errors: [{ in: 'body', field, detail }], cause: error })
  }
  // Out of connections, shutting down, out of reach.
  if (/^(08|53|57P)/.test(code)) {
    const headers = { 'retry-after': '5' }
    return new Problem(503, { detail: 'the database cannot be reached', headers, cause: error })
  }
  return new Problem(500, { detail: 'the database refused: the log of this function says why', cause: error })
}

/** Where in the body stands what the database refused: it names the argument as `column`, and the job in `detail`. */
function fieldOf({ code, cause }: JobMasterError, inBatch: boolean): string {
  const { column: named = '', detail = '' } =
    typeof cause === 'object' && cause !== null ? (cause as DatabaseError) : {}
  // What a group calls stands beside its jobs.
  const [, called, column = ''] = /^(?:(onComplete|onFailed)(?:\.|$))?([^]*)$/.exec(named) ?? []
  const places = { JM001: ['task'], JM008: column ? [column] : [], JM018: ['after'] }
  const place = code in places ? places[code as keyof typeof places] : ['args', ...(column ? [column] : [])]
  const [, position] = /^job (\d+) of /.exec(String(detail)) ?? []
  const before = called ? ['group', called] : position === undefined ? [] : ['jobs', Number(position) - 1]
  return [...(inBatch ? before : []), ...place].join('.')
}

/** As every driver hands it on. */
interface DatabaseError {
  column?: string
  detail?: string
}
