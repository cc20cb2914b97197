import { type ChildProcess, fork } from 'node:child_process'

/** What the command tells the process that runs the jobs. */
export type DevMessage = 'finish' | 'stop'

/** The process of `dev` that runs the jobs: one at a time, and a new one at each change. */
export class DevWorker {
  readonly #args: readonly string[]
  #process: ChildProcess | undefined
  #over: Promise<void> = Promise.resolve()
  #again = false
  #finishing = false

  constructor(args: readonly string[]) {
    this.#args = args
  }

  start(): void {
    // Its terminal's Ctrl-C reaches it as well; it goes by what it is told here alone.
    const started = fork(process.argv[1] ?? '', ['dev-worker', ...this.#args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#process = started
    this.#over = new Promise((resolve) => {
      started.once('exit', () => {
        this.#process = undefined
        resolve()
        if (this.#again && !this.#finishing) {
          this.#again = false
          this.start()
        }
      })
    })
  }

  /** What runs is finished by the old code, then the new is started. */
  restart(): void {
    if (this.#finishing) return
    if (!this.#process) return this.start()
    this.#again = true
    this.#tell('finish')
  }

  finish(): void {
    this.#finishing = true
    this.#tell('finish')
  }

  stop(): void {
    this.#tell('stop')
  }

  /** Once the process is over. */
  ended(): Promise<void> {
    return this.#over
  }

  #tell(message: DevMessage): void {
    // It may be gone already.
    if (this.#process?.connected) this.#process.send(message, () => {})
  }
}
