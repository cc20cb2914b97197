/** What went to the database through a driver, in order. */
export class Statements {
  readonly texts: string[] = []

  get count(): number {
    return this.texts.length
  }

  record(text: string): void {
    this.texts.push(text)
  }

  reset(): void {
    this.texts.length = 0
  }
}
