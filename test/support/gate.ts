/** Where handlers wait until the test lets them go, and that counts them. */
export class Gate {
  /** How many are inside now, and how many were at once. */
  inside = 0
  most = 0
  readonly #opened = Promise.withResolvers<void>()
  #watchers: { count: number; resolve: () => void }[] = []

  /** For a handler: comes in, and leaves once the gate is open. */
  async pass(): Promise<void> {
    this.inside += 1
    this.most = Math.max(this.most, this.inside)
    for (const { resolve } of this.#watchers.filter(({ count }) => count <= this.inside)) resolve()
    await this.#opened.promise
    this.inside -= 1
  }

  /** For the test: until so many are inside at once. */
  async holds(count: number): Promise<void> {
    if (this.inside >= count) return
    await new Promise<void>((resolve) => this.#watchers.push({ count, resolve }))
  }

  open(): void {
    this.#opened.resolve()
  }
}
