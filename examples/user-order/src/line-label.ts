import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { styleText } from 'node:util'

/** What the lines of a service begin with at a terminal. */
export interface LineLabel {
  /** As wide as those of the services beside it. */
  readonly text: string
  readonly colour: (typeof colours)[number]
}

const colours = ['cyan', 'magenta', 'yellow', 'green'] as const

/** The label of one of the services that share a terminal, in a colour of its own while there are some. */
export function lineLabel(names: readonly string[], name: string): LineLabel {
  const width = Math.max(...names.map(({ length }) => length))
  const colour = colours[names.indexOf(name) % colours.length] ?? colours[0]
  return { text: `${name.padEnd(width)} |`, colour }
}

/** Copies whole lines, each after the label; in colour unless the terminal has none, or NO_COLOR forbids it. */
export function copyLabelled(from: Readable, to: NodeJS.WritableStream, { text, colour }: LineLabel): void {
  const label = styleText(colour, text, { stream: to })
  createInterface({ input: from }).on('line', (line) => void to.write(`${label} ${line}\n`))
}
