import { within } from '../../wait.ts'
import type { KafkaSettings } from './kafka-options.ts'
import type { KafkaSaslOptions, KafkaToken } from './kafka-security.ts'

type Provider = Extract<KafkaSaslOptions, { mechanism: 'oauthbearer' }>['token']

/** Gives every connection a token that is still good for a while, and asks the provider for a new one before it expires. */
export class TokenSource {
  readonly #provider: Provider
  readonly #timeoutMs: number
  #asking: Promise<KafkaToken> | undefined
  #renewAt = 0

  constructor(provider: Provider, timeoutMs: number) {
    this.#provider = provider
    this.#timeoutMs = timeoutMs
  }

  /** @throws Error that quotes nothing of a token, when the provider gives none in time. */
  async next(): Promise<string> {
    if (this.#asking === undefined || Date.now() >= this.#renewAt) this.#asking = this.#ask()
    const asking = this.#asking
    try {
      return (await asking).value
    } catch (error) {
      if (this.#asking === asking) this.#asking = undefined
      throw error
    }
  }

  /** Those who ask meanwhile get the same one. */
  async #ask(): Promise<KafkaToken> {
    this.#renewAt = Number.POSITIVE_INFINITY
    const signal = AbortSignal.timeout(this.#timeoutMs)
    const told = `sasl.token gave no token within ${this.#timeoutMs} ms`
    const given: unknown = await within(Promise.resolve(this.#provider(signal)), this.#timeoutMs, told)
    const token = toToken(given)
    const now = Date.now()
    this.#renewAt = token.expiresAt === undefined ? now : token.expiresAt - (token.expiresAt - now) * renewShare
    return token
  }
}

/** Part of a token's time that is left when it is asked for again. A guess. */
const renewShare = 0.25

function toToken(given: unknown): KafkaToken {
  const { value, expiresAt }: { value?: unknown; expiresAt?: unknown } = Object(given)
  const isTime = expiresAt === undefined || (typeof expiresAt === 'number' && Number.isFinite(expiresAt))
  if (typeof value !== 'string' || value === '' || !isTime)
    throw new Error(
      'sasl.token must give { value, expiresAt }: a text that is not empty, and epoch milliseconds or nothing',
    )
  return expiresAt === undefined ? { value } : { value, expiresAt: Number(expiresAt) }
}

/** What gives the connections of a driver their tokens, where it has to have any. */
export function tokensOf({
  sasl,
  connectTimeoutMs,
}: Pick<KafkaSettings, 'sasl' | 'connectTimeoutMs'>): TokenSource | undefined {
  return sasl?.mechanism === 'oauthbearer' ? new TokenSource(sasl.token, connectTimeoutMs) : undefined
}
