/** Where a command writes and asks, and how. The only file that does. */
export interface Terminal {
  /** Writes lines to standard output. */
  print(text: string): void
  /** Writes lines to standard error. */
  complain(text: string): void
  /** Text for standard output in a colour, where it has any. */
  readonly paint: (colour: Colour, text: string) => string
  /** Asks for a line; absent where nobody is there to answer. */
  readonly ask?: ((question: string) => Promise<string>) | undefined
}

export type Colour = 'bold' | 'dim' | 'green' | 'red' | 'yellow'

/** @see ECMA-48, Select Graphic Rendition */
const codes: Readonly<Record<Colour, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  green: [32, 39],
  red: [31, 39],
  yellow: [33, 39],
}

/** What decides about colours. */
export interface TerminalFacts {
  readonly isTerminal: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process
  return {
    print: (text) => void stdout.write(`${text}\n`),
    complain: (text) => void stderr.write(`${text}\n`),
    paint: painter({ isTerminal: stdout.isTTY === true, environment: env }),
    ask: stdin.isTTY && stdout.isTTY ? askAtTerminal : undefined,
  }
}

/** The end of the input is an empty answer. */
async function askAtTerminal(question: string): Promise<string> {
  // Loaded late, for most commands ask nothing.
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  try {
    const { promise, resolve } = Promise.withResolvers<string>()
    lines.once('close', () => resolve(''))
    return await Promise.race([lines.question(question), promise])
  } finally {
    lines.close()
  }
}

/**
 * Colours for a terminal only, and none when NO_COLOR says so.
 *
 * @see no-color.org
 */
export function painter({ isTerminal, environment }: TerminalFacts): Terminal['paint'] {
  const isPlain = !isTerminal || Boolean(environment['NO_COLOR']) || environment['TERM'] === 'dumb'
  if (isPlain) return (_colour, text) => text
  return (colour, text) => {
    const [on, off] = codes[colour]
    return `\u001b[${on}m${text}\u001b[${off}m`
  }
}
