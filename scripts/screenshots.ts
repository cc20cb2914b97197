/** Writes the pictures of the pages, docs/images, from the dashboard as it is. All of them stay in .jobmaster/screenshots. */
import { copyFileSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { browser } from './browser.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const pictures = { overview: 'overview-1280-light', 'overview-dark': 'overview-1280-dark', graph: 'graph-1280-light' }

const { failed } = browser(['test/browser/screenshots.browser.ts'])
if (failed) process.exit(1)
mkdirSync(`${root}docs/images`, { recursive: true })
for (const [name, picture] of Object.entries(pictures)) {
  copyFileSync(`${root}.jobmaster/screenshots/${picture}.png`, `${root}docs/images/${name}.png`)
}
