import type { Context } from 'hono'
import type { JobMasterError } from '../../errors.ts'
import type { JobMaster } from '../../jobmaster.ts'
import type { Done } from './done.ts'
import { query } from './jobs.tsx'

/** Does something with the jobs of the request's invocation. */
export type Within = <T>(c: Context, work: (jobs: JobMaster) => Promise<T>) => Promise<T>

/** Does something, and goes to a page that says so. */
export async function act(
  within: Within,
  c: Context,
  work: (jobs: JobMaster) => Promise<unknown>,
  to: string,
  done: Done,
): Promise<Response> {
  await within(c, work)
  return c.redirect(pageAt(c.get('access').base, to) + query({ done }), 303)
}

/** The address of a page: of the first one without a slash at its end. */
export function pageAt(base: string, page: string): string {
  return (page === '/' ? base : base + page) || '/'
}

/** The fields of a form. */
export function texts(form: Record<string, unknown>): Record<string, string> {
  const entries = Object.entries(form).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(entries)
}

/** What a form is told of what was refused, and of which field: the database names it as the column. */
export function refusalOf({ cause, message }: JobMasterError): { argument: string | undefined; message: string } {
  const column: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'column') : undefined
  return { argument: typeof column === 'string' && column !== '' ? column : undefined, message }
}
