/** What users load, minified and gzipped. Fails above the budgets: a cold start reads every byte. */
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Bundle {
  what: string
  /** In bytes, gzipped. */
  budget: number
  entry: string
  /** Not bundled: packages, where the engine alone is measured. */
  external: string[]
  packages: 'bundle' | 'external'
}

// Imported when they are first used: what deploys, what an operator asks and does, ctx.commit, signed triggers.
export const later = [
  // With the first schedule().
  '*/ticks.ts',
  '*/deployed-schedules.ts',
  '*/deploy.ts',
  '*/plan.ts',
  '*/control.ts',
  '*/inspect.ts',
  '*/graph.ts',
  '*/groups.ts',
  '*/metrics.ts',
  '*/commit.ts',
  '*/trigger.ts',
  // Where one is given.
  '*/logger.ts',
]

const bundles: Bundle[] = [
  {
    what: 'The engine, without deploying',
    budget: 12_000,
    entry: 'src/index.ts',
    packages: 'external',
    external: later,
  },
  {
    what: 'The engine, with deploying',
    budget: 70_000,
    entry: 'src/index.ts',
    packages: 'external',
    external: [],
  },
  {
    what: 'The Cloudflare worker with the example tasks',
    budget: 120_500,
    entry: 'functions/cloudflare/worker.ts',
    packages: 'bundle',
    external: ['node:*', 'cloudflare:*'],
  },
]

/** One file of JavaScript for Workers, as wrangler would make it. */
export async function bundled({ entry, external, packages }: Omit<Bundle, 'what' | 'budget'>, minify = true) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify,
    packages,
    external,
    write: false,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    conditions: ['jobmaster-source', 'workerd', 'worker', 'browser'],
    legalComments: 'none',
    logLevel: 'error',
  })
  const [file] = outputFiles
  if (!file) throw new Error(`esbuild wrote nothing for ${entry}`)
  return file
}

async function measure(): Promise<void> {
  console.log(`${'Bundle'.padEnd(46)} minified   gzipped    budget`)
  for (const { what, budget, ...bundle } of bundles) {
    const { contents } = await bundled(bundle)
    const size = gzipSync(contents, { level: 9 }).length
    const columns = [contents.length, size, budget].map((bytes) => `${(bytes / 1_000).toFixed(1)} KB`.padStart(9))
    console.log(`${what.padEnd(46)}${columns.join(' ')}${size > budget ? '  above its budget' : ''}`)
    if (size > budget) process.exitCode = 1
  }
}

if (import.meta.main) await measure()
