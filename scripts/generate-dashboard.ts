/**
 * Writes src/http/dashboard/assets.ts from what runs in the browser: Workers have no files to read. Run by
 * `npm run generate:dashboard`; a test fails when the committed module is not what this writes.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const folder = new URL('../src/http/dashboard/', import.meta.url)
export const assetsFile = fileURLToPath(new URL('assets.ts', folder))

/** The text of the module. */
export async function generateAssets(): Promise<string> {
  const assets = {
    script: asset('dashboard', 'js', 'text/javascript; charset=utf-8', await built('live.ts')),
    style: asset('dashboard', 'css', 'text/css; charset=utf-8', await built('style.css')),
    icon: asset('icon', 'svg', 'image/svg+xml', readFileSync(new URL('browser/icon.svg', folder), 'utf8').trim()),
  }
  return [
    '// Generated from the files in browser/ by `npm run generate:dashboard`. Do not edit.',
    '',
    '/** What pages ask for beside themselves, each by a name that has its hash. */',
    `export const assets = ${JSON.stringify(assets, null, 2)} as const`,
    '',
  ].join('\n')
}

function asset(name: string, ending: string, type: string, text: string) {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return { name: `${name}-${hash}.${ending}`, type, text }
}

async function built(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`browser/${file}`, folder))],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    legalComments: 'none',
    logLevel: 'error',
  })
  const [output] = outputFiles
  if (!output) throw new Error(`esbuild wrote nothing for ${file}`)
  return output.text.trim()
}

if (import.meta.main) writeFileSync(assetsFile, await generateAssets())
