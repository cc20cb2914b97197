import { readFileSync } from 'node:fs'

/** Of the package, whose package.json stands two folders up from src/cli and dist/cli alike. */
export const version: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
