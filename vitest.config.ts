import { defineConfig } from 'vitest/config'
import type { DriverName } from './test/support/drivers.ts'

const everywhere = ['test/engine/**/*.test.ts', 'test/support.test.ts']

export default defineConfig({
  test: {
    globalSetup: ['test/support/postgres.ts'],
    projects: [
      project('node-postgres', ['test/**/*.test.ts']),
      project('pglite', everywhere, ['test/support/pglite.ts']),
      project('neon-http', everywhere),
      project('neon-websocket', everywhere),
      // `npm run test:runtimes` fetches what these need.
      ...(process.env.JOBMASTER_TEST_RUNTIMES ? [project('runtimes', ['test/runtime/real/*.runtime.ts'])] : []),
      // `npm run test:browser` finds or installs the browser.
      ...(process.env.JOBMASTER_TEST_BROWSER ? [project('browser', ['test/browser/*.browser.ts'])] : []),
    ],
  },
})

/** The same suite over one driver. */
function project(name: DriverName | 'runtimes' | 'browser', include: string[], globalSetup: string[] = []) {
  const conditions = ['jobmaster-source', 'node', 'development|production']
  return {
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: ['jobmaster-source', 'node'] } },
    test: {
      name,
      include,
      globalSetup,
      provide: { driver: name === 'runtimes' || name === 'browser' ? ('node-postgres' as const) : name },
      testTimeout: 20_000,
      hookTimeout: 30_000,
    },
  }
}
