import { painter, type Terminal } from './terminal.ts'

export interface RecordedTerminal extends Terminal {
  printed(): string
  complained(): string
}

/** A terminal that keeps what is written, without colours. */
export function recordedTerminal(): RecordedTerminal {
  const [printed, complained]: string[][] = [[], []]
  return {
    print: (text) => void printed?.push(text),
    complain: (text) => void complained?.push(text),
    paint: painter({ isTerminal: false, environment: {} }),
    printed: () => printed?.join('\n') ?? '',
    complained: () => complained?.join('\n') ?? '',
  }
}
