import type { Verdict } from './judge.ts'

/** What many runs came to together. */
export class Tally {
  readonly #duplicates = { died: 0, cut: 0, commit_failed: 0, behind_unfinished: 0 }
  #runCount = 0
  #messageCount = 0
  #assignmentCount = 0
  #letterCount = 0
  #parkedCount = 0

  add({ messageCount, assignmentCount, letterCount, parkedCount, duplicates }: Omit<Verdict, 'violations'>): void {
    this.#runCount += 1
    this.#messageCount += messageCount
    this.#assignmentCount += assignmentCount
    this.#letterCount += letterCount
    this.#parkedCount += parkedCount
    this.#duplicates.died += duplicates.died
    this.#duplicates.cut += duplicates.cut
    this.#duplicates.commit_failed += duplicates.commit_failed
    this.#duplicates.behind_unfinished += duplicates.behind_unfinished
  }

  get parkedCount(): number {
    return this.#parkedCount
  }

  /** Prints it in one line. */
  tell(what: string): void {
    const counts = `${this.#messageCount} messages, ${this.#letterCount} dead letters, ${this.#parkedCount} set aside, ${this.#assignmentCount} assignments`
    tell(`${what}: ${this.#runCount} runs, ${counts}; handled twice: ${toText(this.#duplicates)}`)
  }
}

/** `died 3, cut 1`, or `none`. */
export function toText(duplicates: Verdict['duplicates']): string {
  const some = Object.entries(duplicates).filter(([, count]) => count > 0)
  return some.map(([reason, count]) => `${reason} ${count}`).join(', ') || 'none'
}

/** Prints a line where who runs the test sees it. */
export function tell(line: string): void {
  process.stdout.write(`${line}\n`)
}
