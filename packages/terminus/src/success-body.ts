/** Where the body of the next answer is. */
const answer: unique symbol = Symbol('answer')

type Body = Readonly<Record<string, unknown>>

/**
 * The one body of success that terminus has for all answers. Terminus assigns to it what a check has found and writes it in the same
 * turn, so that what one check has told would be in the answers of all others from then on: here it is told whole each time.
 *
 * @see @godaddy/terminus 4.12.1, lib/terminus.js, sendSuccess
 */
export class SuccessBody {
  readonly #base: Body

  constructor(base: Body) {
    this.#base = base
  }

  /** For the option `statusOkResponse`. */
  get whole(): Record<string, unknown> {
    const base = this.#base
    return {
      toJSON(this: { readonly [answer]?: Body }) {
        return this[answer] ?? base
      },
    }
  }

  /** What a check gives, with `verbatim`, so that this is written, and nothing of any other answer. */
  answerWith(body: Body): object {
    return { [answer]: body }
  }

  /** As `answerWith`, with the base and what is told beside it. */
  answerBeside(told: object): object {
    return this.answerWith({ ...this.#base, ...told })
  }
}
