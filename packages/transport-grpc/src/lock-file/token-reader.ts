import type { ContractError } from '@tenon/core/transport'
import { readTokens, type Token, unreadable } from './tokens.ts'

/** Goes through the tokens of a file; whatever is not as expected is an error with its line. */
export class TokenReader {
  readonly #text: string
  readonly #where: string
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(text: string, where: string) {
    this.#text = text
    this.#where = where
    this.#tokens = readTokens(text, where)
  }

  get isAtEnd(): boolean {
    return this.#peek().kind === 'end'
  }

  next(): Token {
    const token = this.#peek()
    this.#at = Math.min(this.#at + 1, this.#tokens.length - 1)
    return token
  }

  /** Takes the next token if it is this word or mark. */
  accept(value: string): boolean {
    const token = this.#peek()
    if (token.value !== value || token.kind === 'text') return false
    this.next()
    return true
  }

  expect(value: string): void {
    if (!this.accept(value)) throw this.#unlike(value)
  }

  name(): string {
    return this.#take('name', 'a name')
  }

  text(): string {
    return this.#take('text', 'a quoted text')
  }

  /** The text that comes next, if one does. */
  acceptText(): string | undefined {
    return this.#peek().kind === 'text' ? this.next().value : undefined
  }

  number(): number {
    const digits = this.#take('number', 'a number')
    return /^-?0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
  }

  /** What is written up to a mark, which is taken too. */
  through(mark: string): string {
    const { start } = this.#peek()
    let token = this.next()
    while (token.value !== mark || token.kind === 'text') {
      if (token.kind === 'end') throw this.#unlike(mark)
      token = this.next()
    }
    return this.#text.slice(start, token.start).trimEnd()
  }

  /** The line of the token that was taken last. */
  get line(): number {
    const { line } = this.#tokens[Math.max(0, this.#at - 1)] ?? this.#peek()
    return line
  }

  /** An error at the token that was taken last. */
  fault(problem: string, advice?: string): ContractError {
    return unreadable({ where: this.#where, line: this.line }, problem, advice)
  }

  #take(kind: Token['kind'], expected: string): string {
    if (this.#peek().kind !== kind) throw this.#unlike(expected)
    return this.next().value
  }

  #unlike(expected: string): ContractError {
    const { value, line } = this.#peek()
    return unreadable({ where: this.#where, line }, `expected ${expected}, found ${value}`)
  }

  #peek(): Token {
    const token = this.#tokens[this.#at]
    if (token === undefined) throw new RangeError('beyond the end')
    return token
  }
}
