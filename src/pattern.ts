/**
 * A JavaScript regular expression in Postgres' syntax, for a boolean match; null where the two engines do not read alike.
 * What it gives has only literal characters, sets of characters, groups, alternatives, greedy quantifiers, `^`, `$` and
 * lookahead: neither language nor collation of the database has a say in these. A match takes a time that is linear in the
 * text: lookahead is tried where it stands at each character, so that it is taken only where that is once, or short.
 *
 * `lenient`: it also accepts some strings that the original refuses, those with characters beyond the basic plane.
 */
export function patternOf({ source, flags }: RegExp): { pattern: string; lenient: boolean } | null {
  if (/[^disu]/.test(flags)) return null
  try {
    const reader = new Reader(source, flags)
    const pattern = reader.alternatives()
    if (!reader.done || pattern.states > maximumSize) return null
    // Without the flag u JavaScript sees two units in a character beyond the basic plane, where Postgres sees one.
    return reader.takesHalves
      ? { pattern: `[\\U00010000-\\U0010ffff]|(?:${pattern.text})`, lenient: true }
      : { pattern: pattern.text, lenient: false }
  } catch (error) {
    if (error instanceof NotCommon) return null
    throw error
  }
}

/** What stands in both languages, and about how many states Postgres needs for it. */
interface Piece {
  text: string
  states: number
}

/** Ranges of code points, ascending and apart from each other. */
type Characters = readonly (readonly [first: number, last: number])[]

interface Escape {
  characters: Characters
  /** The one character that it is: it may end a range. */
  single?: number
  /** It has both cases of every letter in it already. */
  closed?: boolean
}

class NotCommon extends Error {}

/** Postgres refuses a pattern that is too complex, while it matches: none that comes near is handed to it. */
const maximumSize = 2_000
/** About how far lookahead may look where it is tried at each character. */
const maximumLookahead = 32
/** The highest count that Postgres' `{m,n}` takes. */
const maximumCount = 255

const everything: Characters = [
  [1, 0xd7ff],
  [0xe000, 0x10ffff],
]
const digits: Characters = [[0x30, 0x39]]
const wordCharacters: Characters = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]
const lineEnds: Characters = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]
const spaces: Characters = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]
const controls: Record<string, number> = { t: 0x09, n: 0x0a, v: 0x0b, f: 0x0c, r: 0x0d }

class Reader {
  readonly source: string
  readonly unicode: boolean
  readonly ignoreCase: boolean
  readonly dotAll: boolean
  position = 0
  /** Something here may match half of a character beyond the basic plane. */
  takesHalves = false
  /** How many groups and lookaheads are open, and how many quantifiers without an end were read. */
  private depth = 0
  private endless = 0

  constructor(source: string, flags: string) {
    this.source = source
    this.unicode = flags.includes('u')
    this.ignoreCase = flags.includes('i')
    this.dotAll = flags.includes('s')
  }

  get done(): boolean {
    return this.position >= this.source.length
  }

  alternatives(): Piece {
    const branches = [this.branch()]
    while (this.take('|')) branches.push(this.branch())
    return {
      text: branches.map(({ text }) => text).join('|'),
      states: branches.reduce((sum, { states }) => sum + states, 0),
    }
  }

  private branch(): Piece {
    let text = ''
    let states = 1
    let atStart = this.depth === 0 && this.sees('^')
    while (!this.done && !this.sees('|') && !this.sees(')')) {
      atStart &&= this.sees('^') || this.sees('(?=') || this.sees('(?!')
      const piece = this.quantified(atStart)
      text += piece.text
      states += piece.states
    }
    return { text, states }
  }

  private quantified(atStart: boolean): Piece {
    if (this.take('^')) return { text: '^', states: 1 }
    if (this.take('$')) return { text: '$', states: 1 }
    for (const lookahead of ['(?=', '(?!']) {
      if (!this.take(lookahead)) continue
      // Without the flag u JavaScript also looks from between the halves of a character.
      this.takesHalves ||= !this.unicode
      const endless = this.endless
      const inner = this.nested()
      if (!atStart && (this.endless > endless || inner.states > maximumLookahead)) throw new NotCommon()
      // Quantified lookahead is read only for the sake of old pages.
      if (this.quantifier()) throw new NotCommon()
      return { text: `${lookahead}${inner.text})`, states: inner.states }
    }
    const atom = this.atom()
    const quantifier = this.quantifier()
    if (!quantifier) return atom
    return { text: atom.text + quantifier.text, states: atom.states * quantifier.copies }
  }

  private quantifier(): { text: string; copies: number } | undefined {
    const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/.exec(this.source.slice(this.position))
    if (!found) return undefined
    this.position += found[0].length
    if (found[1] === undefined ? found[0] !== '?' : found[2] !== '' && found[3] === '') this.endless += 1
    // Greedy or not, a boolean match is the same.
    this.take('?')
    if (found[1] === undefined) return { text: found[0], copies: 1 }
    const [least, most] = [Number(found[1]), Number(found[3] || found[1])]
    if (least > maximumCount || most > maximumCount || least > most) throw new NotCommon()
    return { text: found[0], copies: most + 1 }
  }

  private atom(): Piece {
    if (this.take('(?:') || (this.sees('(') && !this.sees('(?') && this.take('('))) return this.group()
    // A name says nothing where no back reference is read.
    const named = /^\(\?<[^=!][^>]*>/.exec(this.source.slice(this.position))
    if (named && this.take(named[0])) return this.group()
    if (this.sees('(') || this.sees(')') || this.sees('*') || this.sees('+') || this.sees('?')) throw new NotCommon()
    if (this.take('.')) {
      this.takesHalves ||= !this.unicode
      return this.set(this.dotAll ? everything : without(everything, lineEnds))
    }
    if (this.take('[')) return this.bracket()
    const { characters, closed } = this.character(false)
    return this.set(closed ? characters : this.withCases(characters))
  }

  private group(): Piece {
    const inner = this.nested()
    return { text: `(?:${inner.text})`, states: inner.states }
  }

  private nested(): Piece {
    this.depth += 1
    const inner = this.alternatives()
    this.depth -= 1
    this.expect(')')
    return inner
  }

  private bracket(): Piece {
    const negated = this.take('^')
    const parts: (readonly [number, number])[] = []
    const closedParts: (readonly [number, number])[] = []
    while (!this.take(']')) {
      const first = this.character(true)
      const next = this.source[this.position + 1]
      if (!this.sees('-') || next === undefined || next === ']') {
        const kind = first.closed ? closedParts : parts
        kind.push(...first.characters)
        continue
      }
      this.take('-')
      const last = this.character(true)
      // [\w-x] is read only for the sake of old pages.
      if (first.single === undefined || last.single === undefined) throw new NotCommon()
      parts.push([first.single, last.single])
    }
    const characters = united([...this.withCases(united(parts)), ...closedParts])
    this.takesHalves ||= negated && !this.unicode
    return this.set(negated ? without(everything, characters) : characters, true)
  }

  /** One character, or an escape that stands for several. */
  private character(inBracket: boolean): Escape {
    const code = this.source.codePointAt(this.position)
    if (code === undefined) throw new NotCommon()
    this.position += code > 0xffff ? 2 : 1
    if (code === 0x5c) return this.escape(inBracket)
    // Old pages may write these without an escape; with the flag u they are errors.
    const isOpen = !inBracket && ['{', '}', ']'].includes(String.fromCodePoint(code))
    if (isOpen && this.unicode) throw new NotCommon()
    return this.one(code)
  }

  private escape(inBracket: boolean): Escape {
    const rest = this.source.slice(this.position)
    const letter = rest[0]
    if (letter === undefined) throw new NotCommon()
    const hex = /^(?:x([\da-f]{2})|u([\da-f]{4}))/i.exec(rest)
    const braced = this.unicode ? /^u\{([\da-f]+)\}/i.exec(rest) : null
    const written = hex ?? braced
    if (written) {
      this.position += written[0].length
      return this.one(Number.parseInt(written[1] ?? written[2] ?? '', 16))
    }
    this.position += 1
    switch (letter) {
      case 'd':
        return { characters: digits }
      case 'w':
        return { characters: wordCharacters }
      case 's':
        return { characters: spaces }
      case 'D':
      case 'W':
      case 'S': {
        // What \W leaves out under iu is a matter of the edition.
        if (letter === 'W' && this.ignoreCase && this.unicode) throw new NotCommon()
        this.takesHalves ||= !this.unicode
        const positive = letter === 'D' ? digits : letter === 'W' ? wordCharacters : spaces
        return { characters: without(everything, positive), closed: true }
      }
    }
    const control = controls[letter]
    if (control !== undefined) return this.one(control)
    if (letter === '-' && !inBracket && this.unicode) throw new NotCommon()
    // Of letters and digits, some stand for something else, the rest are read only for the sake of old pages.
    if (/[\p{L}\p{N}_\ud800-\udfff]/u.test(letter)) throw new NotCommon()
    return this.one(letter.charCodeAt(0))
  }

  private one(code: number): Escape {
    const isHalf = code >= 0xd800 && code <= 0xdfff
    // Without the flag u a character beyond the basic plane is two, to quantifiers and in brackets.
    if (code === 0 || isHalf || code > 0x10ffff || (code > 0xffff && !this.unicode)) throw new NotCommon()
    return { characters: [[code, code]], single: code }
  }

  /** With the other case of each letter, where case is ignored. */
  private withCases(characters: Characters): Characters {
    if (!this.ignoreCase) return characters
    const others: (readonly [number, number])[] = []
    for (const [first, last] of characters) {
      // What folds onto what, beyond ASCII, is a matter of tables that Postgres does not have.
      if (last > 0x7f) throw new NotCommon()
      for (let code = first; code <= last; code += 1) {
        const lower = code | 0x20
        if (lower < 0x61 || lower > 0x7a || (code & 0x40) === 0) continue
        others.push([code ^ 0x20, code ^ 0x20])
        if (this.unicode && lower === 0x6b) others.push([0x212a, 0x212a])
        if (this.unicode && lower === 0x73) others.push([0x17f, 0x17f])
      }
    }
    return united([...characters, ...others])
  }

  private set(characters: Characters, bracketed = false): Piece {
    const [only] = characters
    if (!only) throw new NotCommon()
    if (!bracketed && characters.length === 1 && only[0] === only[1]) return { text: outside(only[0]), states: 1 }
    // A set that reaches to the last character is one that was written as what it leaves out.
    const rest = characters.at(-1)?.[1] === 0x10ffff ? without(everything, characters) : []
    return {
      text: rest.length > 0 ? `[^${rest.map(range).join('')}]` : `[${characters.map(range).join('')}]`,
      states: 1,
    }
  }

  private sees(text: string): boolean {
    return this.source.startsWith(text, this.position)
  }

  private take(text: string): boolean {
    if (!this.sees(text)) return false
    this.position += text.length
    return true
  }

  private expect(text: string): void {
    if (!this.take(text)) throw new NotCommon()
  }
}

function united(parts: readonly (readonly [number, number])[]): Characters {
  const ranges: [number, number][] = []
  for (const [first, last] of parts.toSorted(([left], [right]) => left - right)) {
    const previous = ranges.at(-1)
    if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last)
    else ranges.push([first, last])
  }
  return ranges
}

function without(all: Characters, taken: Characters): Characters {
  let left = [...all]
  for (const [first, last] of taken) {
    left = left.flatMap(([from, to]) =>
      (last < from || first > to
        ? [[from, to] as const]
        : [[from, first - 1] as const, [last + 1, to] as const]
      ).filter(([start, end]) => start <= end),
    )
  }
  return left
}

function range([first, last]: readonly [number, number]): string {
  if (first === last) return inside(first)
  return last === first + 1 ? inside(first) + inside(last) : `${inside(first)}-${inside(last)}`
}

function inside(code: number): string {
  const character = String.fromCodePoint(code)
  if (/[0-9A-Za-z]/.test(character)) return character
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

function outside(code: number): string {
  const character = String.fromCodePoint(code)
  return code > 0x20 && code < 0x7f && !/[0-9A-Za-z]/.test(character) ? `\\${character}` : inside(code)
}
