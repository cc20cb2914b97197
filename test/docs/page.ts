import { readFile } from 'node:fs/promises'

/** A code block of a page. */
export interface Block {
  language: string
  /** The file that it says to write, in its first line: `// tasks/cool.ts`. */
  path: string | undefined
  text: string
  line: number
}

/** The code blocks of a Markdown page, without those behind a comment that says why they are not run. */
export async function blocksOf(file: string): Promise<Block[]> {
  const text = await readFile(file, 'utf8')
  return [...text.matchAll(/(<!-- not run: [^>]+ -->\n+)?^```(\w+)\n([^]*?)^```$/gm)].flatMap((match) => {
    const [, excused, language = '', body = ''] = match
    const line = text.slice(0, match.index).split('\n').length
    const path = /^\/\/ ([\w./-]+\.tsx?)/.exec(body)?.[1]
    return excused ? [] : [{ language, path, text: body, line }]
  })
}

/** What the block says that it prints: what stands behind `console.log(…) // `. */
export function printedBy(text: string): string[] {
  return [...text.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, said = '']) => said)
}
