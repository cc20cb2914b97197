import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { exitCodes } from '../../src/cli/exit-codes.ts'
import { command } from './project.ts'

const page = await readFile(fileURLToPath(new URL('../../docs/cli.md', import.meta.url)), 'utf8')

test('docs/cli.md has every command and every exit code', async () => {
  const { stdout } = await command(tmpdir(), ['--help']).ended
  const commands = [...stdout.split('Commands:')[1]!.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name)
  expect(commands).toContain('insert')
  const missing = commands.filter((name) => name !== 'help' && !new RegExp(`\`${name}[ \`]`).test(page))
  expect(missing).toEqual([])
  const codes = [...page.matchAll(/^\| (\d[\d, ]*)\|/gm)].flatMap(([, cell = '']) => cell.split(',').map(Number))
  expect(codes).toEqual(Object.values(exitCodes))
})
