import { createJiti } from 'jiti'
import type * as dashboardPages from '../dashboard.ts'
import type { JobMaster } from '../jobmaster.ts'
import { Failure } from './failure.ts'

/** The HTTP app on a port of this machine, for nobody else; the next free one of ten where it is taken. */
export async function serve(jobs: JobMaster, port: number): Promise<{ url: string; close(): Promise<void> }> {
  const [{ node }, { dashboard }] = await Promise.all([import('../runtime/node.ts'), pages()]).catch(
    (cause: unknown) => {
      throw new Failure('`dev` serves over HTTP: npm install hono @hono/valibot-validator', undefined, { cause })
    },
  )
  for (let tried = port; ; tried += 1) {
    try {
      return await node(jobs, { port: tried, auth: 'none', dashboard })
    } catch (error) {
      const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      if (!isTaken || port === 0 || tried >= port + 9) throw error
    }
  }
}

/** By jiti, which Node from the sources needs for their JSX; what is built, it imports as it is. */
async function pages(): Promise<typeof dashboardPages> {
  const load = createJiti(import.meta.url, { tryNative: true, jsx: { runtime: 'automatic', importSource: 'hono/jsx' } })
  return load.import(import.meta.resolve('jobmaster/dashboard'))
}
