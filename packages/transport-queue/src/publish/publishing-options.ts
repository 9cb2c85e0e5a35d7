import { isRecord, optionCheck, type SetupProblem, toFound } from '@tenon/core/transport'

/** How messages are written and how many may be on their way. */
export interface PublishingOptions {
  /**
   * `binary`: the value is the payload, what is said of it are headers. `structured`: the value is a CloudEvent in JSON that holds
   * both, for receivers that cannot read headers; the headers are there all the same.
   *
   * @defaultValue `binary`
   * @see CloudEvents Kafka protocol binding 1.0, sections 3.2 and 3.3
   */
  readonly mode?: 'binary' | 'structured'
  /**
   * Where the schema of a topic's messages is published, as `ce_dataschema`: the base of an absolute URL, to which the topic is
   * added, or a function of the topic, which may leave it out.
   *
   * @defaultValue left out
   * @see CloudEvents 1.0, dataschema: an absolute URI
   */
  readonly dataSchema?: string | ((topic: string) => string | undefined)
  /**
   * Most messages that are on their way at a time, from the check by their schema until the broker has answered; publishing any
   * beyond fails as `resource_exhausted`.
   *
   * @defaultValue 10_000, a guess: more than callers of a service wait for at a time
   * @remarks Range 1–1_000_000
   */
  readonly maxPublishingCount?: number
  /**
   * Most bytes of messages, keys and headers included, that are on their way at a time. A larger message goes alone.
   *
   * @defaultValue 33_554_432
   * @remarks Range 1_024–4_294_967_296
   * @see Kafka producer setting buffer.memory: the same
   */
  readonly maxPublishingBytes?: number
}

export const publishingDefaults = Object.freeze({
  mode: 'binary',
  maxPublishingCount: 10_000,
  maxPublishingBytes: 33_554_432,
} as const satisfies PublishingOptions)

export interface PublishingSettings extends Required<Omit<PublishingOptions, 'dataSchema'>> {
  readonly dataSchema: PublishingOptions['dataSchema'] | undefined
}

export const publishingNames: Readonly<Record<keyof PublishingOptions, true>> = {
  mode: true,
  dataSchema: true,
  maxPublishingCount: true,
  maxPublishingBytes: true,
}

const check = optionCheck('queueTransport')

/** What is wrong with the options, each thing said once. */
export function checkPublishing({ mode, dataSchema, ...numbers }: PublishingSettings): readonly SetupProblem[] {
  return [
    ...check.choice('mode', mode, ['binary', 'structured']),
    ...checkDataSchema(dataSchema),
    ...check.integer('maxPublishingCount', numbers.maxPublishingCount, { min: 1, max: 1_000_000 }),
    ...check.integer('maxPublishingBytes', numbers.maxPublishingBytes, { min: 1_024, max: 4_294_967_296 }),
  ]
}

function checkDataSchema(given: unknown): readonly SetupProblem[] {
  if (given === undefined || typeof given === 'function') return []
  if (typeof given === 'string' && URL.canParse(given) && !/[?#]/.test(given)) return []
  const found = isRecord(given) ? 'an object' : toFound(given)
  const expected = 'the base of an absolute URL such as https://schema.example.com/event/, or a function of the topic'
  return [check.malformed(`dataSchema must be ${expected}, found ${found}`)]
}
