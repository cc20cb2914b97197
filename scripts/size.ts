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

/** What a bundle takes, in bytes. */
export interface Size {
  what: string
  minified: number
  gzipped: number
  budget: number
}

export async function bundleSizes(): Promise<Size[]> {
  const sizes: Size[] = []
  for (const { what, budget, ...bundle } of bundles) {
    const { contents } = await bundled(bundle)
    sizes.push({ what, minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length, budget })
  }
  return sizes
}

async function check(): Promise<void> {
  console.log(`${'Bundle'.padEnd(46)} minified   gzipped    budget`)
  for (const { what, minified, gzipped, budget } of await bundleSizes()) {
    const columns = [minified, gzipped, budget].map((bytes) => `${(bytes / 1_000).toFixed(1)} KB`.padStart(9))
    console.log(`${what.padEnd(46)}${columns.join(' ')}${gzipped > budget ? '  above its budget' : ''}`)
    if (gzipped > budget) process.exitCode = 1
  }
}

if (import.meta.main) await check()
