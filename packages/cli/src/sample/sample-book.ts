import type { ErrorCode } from '@tenon/core'
import type { EventType, JsonSchema, Operation, Schema } from '@tenon/core/contract'
import { compileJsonReader, compileSchema, type CompiledSchema } from '@tenon/core/transport'
import { makeSample, SampleError } from './make-sample.ts'
import type { SampleFunction, SampleOptions, Samples } from './samples.ts'

/** Where the inputs of one operation, or the payloads of one event, come from. */
export interface SampleSource {
  /** Operation's id, or topic. */
  readonly id: string
  readonly metadata: Readonly<Record<string, string>>
  /** Codes that count as an answer. */
  readonly expects: ReadonlySet<ErrorCode>
  /** @throws SampleError for what does not fit the schema; whatever the user's own function throws */
  next(): unknown
}

/** A failed rollout looks like these, so they never count by themselves. */
const codesOfRollouts: ReadonlySet<ErrorCode> = new Set([
  'unavailable',
  'cancelled',
  'deadline_exceeded',
  'unknown',
  'internal',
])

/** The samples of a user, and what is made where these say nothing. */
export class SampleBook {
  readonly #samples: Samples
  readonly #latest = new Map<string, unknown>()

  constructor(samples: Samples) {
    this.#samples = samples
  }

  /** Names of the user's samples that stand for nothing. */
  strays(known: ReadonlySet<string>): readonly string[] {
    return Object.keys(this.#samples).filter((name) => !known.has(name))
  }

  /** Whether the user wants nothing sent there: an operation's id, or an event's topic. */
  isLeftOut(name: string): boolean {
    return this.#samples[name] === false
  }

  /** Keeps an output for samples that are made from it. */
  note(operation: string, output: unknown): void {
    this.#latest.set(operation, output)
  }

  /** Undefined for an operation that is left out. */
  ofOperation(operation: Operation): SampleSource | undefined {
    const { id, inputSchema, inputJsonSchema, examples, errors, kind } = operation
    const isStream = kind === 'client_stream' || kind === 'bidi_stream'
    const inputs = examples.flatMap((example) => (example.input === undefined ? [] : [example.input]))
    return this.#source(id, { schema: inputSchema, json: inputJsonSchema, examples: inputs, errors, isStream })
  }

  /** Undefined for an event that is left out. */
  ofEvent({ topic, payloadSchema, payloadJsonSchema }: EventType): SampleSource | undefined {
    const facts = { schema: payloadSchema, json: payloadJsonSchema, examples: [], errors: [], isStream: false }
    return this.#source(topic, facts)
  }

  #source(id: string, facts: SampleFacts): SampleSource | undefined {
    const given = this.#samples[id]
    if (given === false) return undefined
    const options: SampleOptions = typeof given === 'function' ? { input: given } : (given ?? {})
    const make = options.input ?? made(facts)
    const schema = compileSchema(facts.schema, facts.json, id)
    let index = 0
    return {
      id,
      metadata: options.metadata ?? {},
      expects: new Set(options.expects ?? facts.errors.filter((code) => !codesOfRollouts.has(code))),
      next: () => {
        const value = make({ index: index++, latest: (operation) => this.#latest.get(operation) })
        for (const item of facts.isStream && Array.isArray(value) ? (value as unknown[]) : [value])
          requireFitting(schema, item)
        return value
      },
    }
  }
}

interface SampleFacts {
  readonly schema: Schema
  readonly json: JsonSchema
  readonly examples: readonly unknown[]
  readonly errors: readonly ErrorCode[]
  readonly isStream: boolean
}

/** Items of a stream that nobody gave. A guess. */
const streamItemCount = 3

function made({ json, examples, isStream }: SampleFacts): SampleFunction {
  const toNative = compileJsonReader(json) ?? ((value: unknown) => value)
  const one = (index: number) => toNative(structuredClone(examples[index % examples.length] ?? makeSample(json)))
  if (!isStream) return ({ index }) => one(index)
  return ({ index }) => Array.from({ length: streamItemCount }, (_, item) => one(index * streamItemCount + item))
}

/** A validator that is asynchronous is asked with the call. */
function requireFitting(schema: CompiledSchema, value: unknown): void {
  const result = schema.write(value)
  if (result instanceof Promise || result.ok) return void (result instanceof Promise && result.catch(() => undefined))
  const found = result.violations.map(({ field, message }) => `${field || '/'} ${message}`)
  throw new SampleError(found.join('; '))
}
