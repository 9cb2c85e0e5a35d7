import type { Slots } from './slots.ts'

/** A place that was taken before it is known what for. It is given back once: by who takes it over, or here. */
export class TakenPlace {
  readonly #slots: Slots
  #isOpen = true

  constructor(slots: Slots) {
    this.#slots = slots
  }

  /** Whether the caller has it from here on, and must give it back. */
  takeOver(): boolean {
    const isTaken = this.#isOpen
    this.#isOpen = false
    return isTaken
  }

  /** Gives it back, unless it was taken over or given back before. */
  release(): void {
    if (this.takeOver()) this.#slots.release()
  }
}
