import { readFile } from 'node:fs/promises'

/**
 * Reads a file of the installed package `vega-datasets`. Where there are no files (Workers, edge), give `createJobs`
 * a function that fetches it instead.
 */
export async function readSource(file: string): Promise<string> {
  // The package exports only its entry, build/index.js; its data stand beside that folder.
  const entry = import.meta.resolve('vega-datasets')
  return await readFile(new URL(`../data/${file}`, entry), 'utf8')
}
