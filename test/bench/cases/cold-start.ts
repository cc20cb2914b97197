import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import type { Case } from '../case.ts'
import { putBack } from '../kept.ts'
import { fill } from './drain.ts'

/** The processor time of a process that does nothing, imports JobMaster, connects, or connects and runs its first job. */
export const coldStart: Case[] = ['node', 'import', 'connect', 'first job'].map(starting)

function starting(what: string): Case {
  return {
    name: `cold start/${what}`,
    unit: 'ms',
    async open(place) {
      // Where it finds its packages.
      const script = `${place.folder}/node_modules/.bench/cold-${what.replace(' ', '-')}.mjs`
      await build({
        entryPoints: [`${place.folder}/cold.ts`],
        outfile: script,
        bundle: true,
        minify: true,
        platform: 'node',
        format: 'esm',
        external: ['pg'],
        conditions: ['jobmaster-source'],
        define: { WHAT: JSON.stringify(what) },
      })
      await fill(place, {}, 100)
      return {
        // A process goes with its first job done and not settled, and the next one takes another.
        prepare: () => putBack(place.beside),
        async run() {
          let seconds = 0
          for (let time = 0; time < 5; time += 1) {
            const { stdout } = await promisify(execFile)(process.execPath, [script, place.url])
            seconds += Number(stdout) / 1_000
          }
          return { jobs: 5, seconds }
        },
        async close() {},
      }
    },
  }
}
