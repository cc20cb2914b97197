import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** A command on a terminal of its own, a real one: what it painted, and a keyboard. */
export interface Terminal {
  type(keys: string): void
  /** Once the screen has shown such a text. */
  shown(text: string): Promise<void>
  ended: Promise<{ code: number; screen: string }>
}

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** Runs a command on a pseudo-terminal, by util-linux' `script`. */
export function terminal(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Terminal {
  const words = [process.execPath, '--conditions=jobmaster-source', main, ...args].map((word) => `'${word}'`)
  const { NO_COLOR, FORCE_COLOR, DATABASE_URL, ...inherited } = process.env
  const child = spawn(
    'script',
    ['--quiet', '--return', '--flush', '--command', `stty cols 100 rows 40 && ${words.join(' ')}`, '/dev/null'],
    {
      cwd,
      env: { ...inherited, TERM: 'xterm-256color', ...env },
    },
  )
  let screen = ''
  child.stdout.on('data', (chunk) => (screen += String(chunk)))
  const ended = new Promise<{ code: number; screen: string }>((resolve) => {
    child.once('close', (code) => resolve({ code: code ?? -1, screen }))
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    ended,
    type: (keys) => child.stdin.write(keys),
    async shown(text) {
      await new Promise<void>((resolve, reject) => {
        const look = () => screen.includes(text) && resolve()
        child.stdout.on('data', look)
        ended.then(
          () => (screen.includes(text) ? resolve() : reject(new Error(`never shown ${text}: ${screen}`))),
          reject,
        )
        look()
      })
    },
  }
}
