import type { ConfigSource, ConfigTexts } from '../../registry/config-source.ts'
import { persist } from '../../registry/persist.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { ConfigLayer } from '../config/find-variables.ts'

/** A source of settings as `/info` shows it. */
export interface SourceState {
  readonly name: string
  /** `unreachable`: its last values are in force, if there are any. */
  readonly state: 'current' | 'unreachable'
  /** When it told its values last; absent before it did. */
  readonly toldAt?: string
  /** Why it is unreachable, as far as it has said. */
  readonly trouble?: string
}

export interface FollowOptions {
  readonly signal: AbortSignal
  readonly variables: readonly string[]
  readonly log: Logger
  /** Hides what must not be seen in what the source says. */
  hide(text: string): string
  /** Called when the source has told its values, all at once. */
  changed(): void
}

/** One source of settings, what it said last, and how it is. */
export class FollowedSource implements ConfigLayer {
  readonly name: string
  readonly #source: ConfigSource
  readonly #originOf: ((variable: string) => string) | undefined
  readonly #first = Promise.withResolvers<void>()
  #texts: ConfigTexts
  #toldAt: string | undefined
  #trouble: string | undefined
  #isReached = false
  #following: Promise<void> | undefined

  /** @param known What is known of it already, as of files that were read at the start. */
  constructor(source: ConfigSource, known?: ConfigLayer) {
    this.name = source.name
    this.#source = source
    this.#texts = known?.texts ?? {}
    this.#originOf = known && ((variable) => known.originOf(variable))
  }

  get texts(): ConfigTexts {
    return this.#texts
  }

  /** Resolves when it has told its values. Never rejects. */
  get first(): Promise<void> {
    return this.#first.promise
  }

  get hasTold(): boolean {
    return this.#toldAt !== undefined
  }

  get isFollowed(): boolean {
    return this.#following !== undefined
  }

  get state(): SourceState {
    return {
      name: this.name,
      state: this.#isReached ? 'current' : 'unreachable',
      ...(this.#toldAt !== undefined && { toldAt: this.#toldAt }),
      ...(this.#trouble !== undefined && { trouble: this.#trouble }),
    }
  }

  originOf(variable: string): string {
    return this.#originOf?.(variable) ?? this.name
  }

  /** Follows it until the signal fires. Only the first call counts. */
  follow(options: FollowOptions): void {
    const { signal, variables } = options
    const onTrouble = (error: Error) => this.#troubled(error, options)
    const watchOnce = async (succeeded: () => void) => {
      for await (const texts of this.#source.watch({ signal, variables, onTrouble })) {
        succeeded()
        this.#told(texts, options)
      }
      // A source that ends by itself does not keep to its port: it is asked again, later each time.
      if (!signal.aborted) throw new Error('it ended')
    }
    this.#following ??= persist((one) => watchOnce(() => one.succeeded()), { signal, onTrouble })
  }

  /** Resolves when nothing follows it any more and its connections are released; the signal of `follow` must have fired. */
  async close(): Promise<void> {
    await this.#following
    await this.#source.close?.()
  }

  #told(texts: ConfigTexts, { log, changed }: FollowOptions): void {
    if (this.#trouble !== undefined) log.info({ source: this.name }, 'a source of settings is read again')
    this.#texts = texts
    this.#toldAt = new Date().toISOString()
    this.#trouble = undefined
    this.#isReached = true
    this.#first.resolve()
    changed()
  }

  /** Told once for each outage, not with every try. */
  #troubled({ message }: Error, { signal, log, hide }: FollowOptions): void {
    if (signal.aborted) return
    const isFirst = this.#trouble === undefined
    this.#trouble = hide(message)
    this.#isReached = false
    if (!isFirst) return
    const reason = this.#trouble
    log.warn({ source: this.name, reason }, 'a source of settings cannot be read; what it said last stays in force')
  }
}
