import { painter, type Terminal } from './terminal.ts'

export interface RecordedTerminal extends Terminal {
  printed(): string
  complained(): string
}

/** A terminal that keeps what is written, questions too, without colours; nobody answers there unless somebody is given. */
export function recordedTerminal(answer?: (question: string) => string): RecordedTerminal {
  const [printed, complained]: string[][] = [[], []]
  return {
    print: (text) => void printed?.push(text),
    complain: (text) => void complained?.push(text),
    ask:
      answer &&
      (async (question) => {
        printed?.push(question)
        return answer(question)
      }),
    paint: painter({ isTerminal: false, environment: {} }),
    printed: () => printed?.join('\n') ?? '',
    complained: () => complained?.join('\n') ?? '',
  }
}
