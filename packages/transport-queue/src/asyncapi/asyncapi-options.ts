import type { EventType, Operation } from '@tenon/core/contract'
import type { PayloadFormat } from '@tenon/core/transport'
import type { AsyncApiInfo, AsyncApiSecurityScheme } from './document.ts'

/** What a document says that no contract, event or service knows. */
export interface AsyncApiOptions extends Partial<AsyncApiInfo> {
  /** The brokers, by name; where services have several connections, by theirs. @defaultValue none */
  readonly servers?: Readonly<Record<string, AsyncApiServer>>
  /**
   * The ways in which clients show who they are to a broker, by name. What could hold a secret is refused.
   *
   * @defaultValue none
   * @see AsyncAPI 3.0.0, security scheme object
   */
  readonly securitySchemes?: Readonly<Record<string, AsyncApiSecurityScheme>>
  /** The formats beside JSON that events and commands are declared in: those of the transport. @defaultValue none */
  readonly formats?: readonly DescribedFormat[]
  /**
   * Events and commands that a described service sends though one of them receives them too. What none receives is sent anyway.
   *
   * @defaultValue none
   */
  readonly sends?: readonly (EventType | Operation)[]
  /** How those who send write CloudEvents: the `mode` of their transports. @defaultValue `binary` */
  readonly mode?: 'binary' | 'structured'
}

/** What a document asks of a format. */
export type DescribedFormat = Pick<PayloadFormat, 'name' | 'contentType' | 'describe'>

/** A broker. */
export interface AsyncApiServer {
  /** Host and port of one broker, without a user: `kafka.example.com:9092`. */
  readonly host: string
  /** @defaultValue `kafka` */
  readonly protocol?: 'kafka' | 'kafka-secure'
  /** Of the broker: `4.1`. */
  readonly protocolVersion?: string
  readonly description?: string
  /** Names of schemes in `securitySchemes`, any one of which suffices. @defaultValue none */
  readonly security?: readonly string[]
}
