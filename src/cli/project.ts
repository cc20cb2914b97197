import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** The folder of the project that a command is run in: the nearest one with a package.json, or the folder itself. */
export function projectFolder(from = process.cwd()): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (folder === dirname(folder)) return resolve(from)
  }
}

/** What belongs to this checkout alone: the embedded Postgres, and what `dev` says of itself. */
export function localFolder(project: string): string {
  return join(project, '.jobmaster')
}
