import { createHash, timingSafeEqual } from 'node:crypto'

/** What who looks into a service has to show. Keeps a digest of it, not the text. */
export class AdminToken {
  readonly #digest: Buffer

  constructor(token: string) {
    this.#digest = digestOf(token)
  }

  /** Whether a header has it. How long that takes tells nothing of the token. */
  isIn(authorization: string | undefined): boolean {
    const [, shown] = /^bearer +(\S+) *$/i.exec(authorization ?? '') ?? []
    return shown !== undefined && timingSafeEqual(digestOf(shown), this.#digest)
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
