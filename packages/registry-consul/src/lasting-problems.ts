/** Problems that last. Each is told once, and again when it has come back. */
export class LastingProblems {
  #known: ReadonlySet<string> = new Set()

  /** Takes all problems that there are now. @returns those that were not there before, and whether there are others or fewer than before. */
  take(problems: readonly string[]): { readonly fresh: readonly string[]; readonly isOther: boolean } {
    const now = new Set(problems)
    const fresh = [...now].filter((problem) => !this.#known.has(problem))
    const isOther = fresh.length > 0 || now.size < this.#known.size
    this.#known = now
    return { fresh, isOther }
  }
}
