import { ContractError } from '@tenon/core/transport'

/** One word, number, text or mark of a `.proto` file. */
export interface Token {
  readonly kind: 'name' | 'number' | 'text' | 'mark' | 'end'
  /** As written; of a text what it says. */
  readonly value: string
  /** From 1. */
  readonly line: number
  /** Where it begins and ends in the file. */
  readonly start: number
  readonly end: number
}

const pattern = [
  String.raw`(?<space>\s+|//[^\n]*|/\*[\s\S]*?\*/)`,
  String.raw`(?<name>\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)`,
  String.raw`(?<number>-?(?:0[xX][0-9A-Fa-f]+|\d+)\b)`,
  String.raw`(?<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')`,
  String.raw`(?<mark>[^\s\w"'])`,
].join('|')

/**
 * The tokens of a file, without comments, and one for its end.
 *
 * @throws ContractError `contract.proto` with the line
 */
export function readTokens(text: string, where: string): readonly Token[] {
  const tokens: Token[] = []
  const next = new RegExp(pattern, 'y')
  let line = 1
  while (next.lastIndex < text.length) {
    const start = next.lastIndex
    const found = next.exec(text)
    if (found === null)
      throw unreadable({ where, line }, `${JSON.stringify(text.slice(start, start + 10))} is no word of proto3`)
    const [all] = found
    const kind = kindOf(found.groups ?? {})
    if (kind !== undefined)
      tokens.push({ kind, value: kind === 'text' ? unquote(all) : all, line, start, end: next.lastIndex })
    line += all.split('\n').length - 1
  }
  return [...tokens, { kind: 'end', value: 'the end of the file', line, start: text.length, end: text.length }]
}

const bringBack = 'bring back the file as it was last committed, for it keeps the field numbers'

/** A line of a file. */
interface LinePlace {
  readonly where: string
  readonly line: number
}

/** What is told when a lock cannot be read. */
export function unreadable({ where, line }: LinePlace, problem: string, advice = bringBack): ContractError {
  const message = `${where}, line ${line}: ${problem}; ${advice}`
  return new ContractError([{ code: 'contract.proto', message }])
}

function kindOf(groups: Readonly<Record<string, string | undefined>>): Token['kind'] | undefined {
  return (['name', 'number', 'text', 'mark'] as const).find((kind) => groups[kind] !== undefined)
}

/** Escapes that mean the character behind them; no name needs another. */
function unquote(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
}
