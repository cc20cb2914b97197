/** After an install: the package that brings Node also brings 67 MB of C++ headers, which nothing here compiles with. */
import { globSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cwd = fileURLToPath(new URL('..', import.meta.url))
for (const folder of globSync('node_modules/node/node_modules/node-*/include', { cwd })) {
  rmSync(new URL(`../${folder}`, import.meta.url), { recursive: true })
}
