import type { EtcdEndpoint, EtcdSettings } from '../etcd-options.ts'
import { EtcdError } from './etcd-error.ts'
import { EtcdMember } from './etcd-member.ts'
import { type Method, methods, type RequestOf, type ResponseOf } from './etcd-message.ts'

export interface AskOptions {
  readonly signal: AbortSignal
  /** What is asked for, as an error says it: `read /tenon/services/user/`. */
  readonly asked: string
}

/** Asks one member of a cluster at a time, and the next one when it fails; lets the user in where there is one. */
export class EtcdApi {
  readonly #settings: EtcdSettings
  #next: number
  #member: EtcdMember | undefined
  /** What the user is known by from now on, once it was asked for. */
  #token: Promise<string> | undefined

  constructor(settings: EtcdSettings) {
    this.#settings = settings
    // Not the first for all processes.
    this.#next = Math.floor(Math.random() * settings.endpoints.length)
  }

  /**
   * Asks each member once, until one answers.
   *
   * @throws EtcdError from the last one; the reason of the signal when it fires; Error when a file of a certificate cannot be read or used.
   */
  async ask<M extends Method>(method: M, request: RequestOf<M>, options: AskOptions): Promise<ResponseOf<M>> {
    for (let triesLeft = this.#settings.endpoints.length - 1; ; triesLeft -= 1) {
      const member = this.#current()
      try {
        return await this.#askWithToken(member, { method, request }, options)
      } catch (error) {
        options.signal.throwIfAborted()
        if (!this.#leave(member, error) || triesLeft === 0) throw error
      }
    }
  }

  /**
   * What happens to keys, from a revision on. Ends when etcd or the signal ends it.
   *
   * @throws EtcdError when the connection or the member fails, or nothing arrives for `watchTimeoutMs` although it is asked for; Error when a file of
   * a certificate cannot be read or used.
   */
  async *watch(
    request: RequestOf<(typeof methods)['watch']>['createRequest'],
    options: AskOptions,
  ): AsyncGenerator<ResponseOf<(typeof methods)['watch']>> {
    const member = this.#current()
    try {
      yield* member.watch({ createRequest: request ?? {} }, { ...options, token: await this.#tokenFor(member) })
    } catch (error) {
      if (options.signal.aborted) return
      this.#leave(member, error)
      throw error
    }
  }

  close(): void {
    this.#member?.close()
    this.#member = undefined
  }

  async #askWithToken<M extends Method>(
    member: EtcdMember,
    call: { readonly method: M; readonly request: RequestOf<M> },
    options: AskOptions,
  ): Promise<ResponseOf<M>> {
    const token = this.#tokenFor(member)
    try {
      return await member.ask(call, { ...options, token: await token })
    } catch (error) {
      if (!(error instanceof EtcdError) || !error.isOldToken) throw error
      if (this.#token === token) this.#token = undefined
      return member.ask(call, { ...options, token: await this.#tokenFor(member) })
    }
  }

  /** One that could not be had is asked for again. */
  #tokenFor(member: EtcdMember): Promise<string> {
    this.#token ??= this.#authenticate(member)
    const token = this.#token
    token.catch(() => {
      if (this.#token === token) this.#token = undefined
    })
    return token
  }

  /** For all who ask meanwhile: it does not end with the signal of one of them. */
  async #authenticate(member: EtcdMember): Promise<string> {
    const { user } = this.#settings
    if (user === undefined) return ''
    const request = { name: user.name, password: user.password() }
    const options = { signal: new AbortController().signal, asked: `let the user ${user.name} in`, token: '' }
    try {
      return (await member.ask({ method: methods.authenticate, request }, options)).token
    } catch (error) {
      if (error instanceof EtcdError && error.isWithoutAuthentication) return ''
      throw error
    }
  }

  #current(): EtcdMember {
    const { endpoints } = this.#settings
    this.#member ??= new EtcdMember(endpoints[this.#next % endpoints.length] as EtcdEndpoint, this.#settings)
    return this.#member
  }

  /** Whether another member, or a new connection to this one, may do better. */
  #leave(member: EtcdMember, error: unknown): boolean {
    if (!(error instanceof EtcdError) || !error.isOfMember) return false
    if (this.#member !== member) return true
    member.close()
    this.#member = undefined
    this.#next += 1
    return true
  }
}
