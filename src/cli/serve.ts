import type { JobMaster } from '../jobmaster.ts'
import { Failure } from './failure.ts'

/** The HTTP app on a port of this machine, for nobody else; the next free one of ten where it is taken. */
export async function serve(jobs: JobMaster, port: number): Promise<{ url: string; close(): Promise<void> }> {
  const { node } = await import('../runtime/node.ts').catch((cause: unknown) => {
    throw new Failure('`dev` serves over HTTP: npm install hono @hono/valibot-validator', undefined, { cause })
  })
  for (let tried = port; ; tried += 1) {
    try {
      return await node(jobs, { port: tried, auth: 'none' })
    } catch (error) {
      const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      if (!isTaken || port === 0 || tried >= port + 9) throw error
    }
  }
}
