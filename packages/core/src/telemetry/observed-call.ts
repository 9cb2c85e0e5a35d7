import { type Attributes, type Link, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import type { ErrorCode } from '../error/error-code.ts'
import { ServiceError, toServiceError } from '../error/service-error.ts'
import { countActive } from './active-calls.ts'
import { attempt } from './attempt.ts'
import type { CallConvention } from './convention.ts'
import { histogram } from './instrument.ts'
import { registeredTelemetry, type Telemetry } from './registered.ts'
import { carryTrace, type TraceContext } from './trace.ts'

/** What a call that is observed is a part of. */
export interface ObservedOrigin {
  readonly parent: TraceContext
  /** What it comes of without being a part of it. */
  readonly links?: readonly Link[]
  /** What the span tells of this call alone. Asked only of a span that is recorded. */
  readonly details?: () => Attributes
}

/** Takes how large bodies or messages are. There is one only where metrics are recorded. Never throws. */
export interface SizeObserver {
  /** All that is told of one way until the call ends is one value; what is told later is one of its own. A call without a body tells nothing. */
  addBytes(way: 'request' | 'response', byteCount: number): void
}

/** What a transport tells of an attempt that it makes. */
export interface AttemptObserver {
  /** Undefined where no metrics are recorded. */
  readonly sizes: SizeObserver | undefined
  /** What its outcome alone does not say, such as the status of the reply: few values, for metrics tell it too. */
  mark(attributes: Attributes): void
  /** What its span alone tells. Asked only where it is recorded. */
  describe(details: () => Attributes): void
}

/**
 * The span and the metrics of a call, from its beginning to its end. Nothing of it throws, whatever an SDK and its exporters do: a call
 * must not fail for being observed.
 */
export class ObservedCall implements AttemptObserver, SizeObserver {
  /** For what is a part of the call; undefined where only metrics are registered. */
  readonly context: TraceContext | undefined
  readonly #convention: CallConvention
  readonly #telemetry: Telemetry
  readonly #span: Span | undefined
  readonly #startedAtMs = performance.now()
  #marks: Attributes | undefined
  readonly #byteCounts = new Map<'request' | 'response', number>()
  /** What metrics have of it, once it has ended. */
  #measured: Attributes | undefined
  #hasEnded = false

  private constructor(convention: CallConvention, telemetry: Telemetry, { parent, links = [] }: ObservedOrigin) {
    this.#convention = convention
    this.#telemetry = telemetry
    const { spanName, kind, attributes, spanAttributes, isOnlyPart = false } = convention
    const tracer = isOnlyPart && trace.getSpan(parent) === undefined ? undefined : telemetry.tracer
    const span = tracer?.startSpan(
      spanName,
      {
        kind,
        attributes: spanAttributes ? { ...attributes, ...spanAttributes } : attributes,
        links: [...links],
      },
      parent,
    )
    this.#span = span
    this.context = span && trace.setSpan(parent, span)
    this.#countActive(1)
  }

  /** Undefined where nothing is registered that would take it. */
  static begin(convention: () => CallConvention, origin: () => ObservedOrigin): ObservedCall | undefined {
    const telemetry = registeredTelemetry()
    if (telemetry === undefined) return undefined
    return attempt(() => {
      const { details, ...from } = origin()
      const observed = new ObservedCall(convention(), telemetry, from)
      if (details) observed.describe(details)
      return observed
    })
  }

  get sizes(): SizeObserver | undefined {
    return this.#telemetry.isMeasured ? this : undefined
  }

  addBytes(way: 'request' | 'response', byteCount: number): void {
    if (this.#hasEnded) attempt(() => this.#recordSize(way, byteCount))
    else this.#byteCounts.set(way, (this.#byteCounts.get(way) ?? 0) + byteCount)
  }

  mark(attributes: Attributes): void {
    this.#marks = { ...this.#marks, ...attributes }
  }

  describe(details: () => Attributes): void {
    attempt(() => {
      if (this.#span?.isRecording()) this.#span.setAttributes(details())
    })
  }

  /** What is sent for the call, with its trace in the place of any other. */
  carry(metadata: Readonly<Record<string, string>>): Record<string, string> {
    const carried = { ...metadata }
    const { context } = this
    if (context) attempt(() => carryTrace(carried, context))
    return carried
  }

  /** As `end`, with whatever was thrown. */
  fail(thrown: unknown): void {
    attempt(() => this.end(ServiceError.is(thrown) ? thrown : toServiceError(thrown)))
  }

  /** The first end counts. */
  end(error: ServiceError | undefined): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    attempt(() => {
      const outcome = this.#convention.outcomeOf(error)
      const attributes = { ...this.#marks, ...outcome.attributes }
      attempt(() => this.#measure(attributes))
      this.#endSpan(attributes, outcome.isError ? error : undefined)
    })
  }

  #measure(added: Attributes): void {
    const { attributes, duration } = this.#convention
    this.#countActive(-1)
    if (duration === undefined || !this.#telemetry.isMeasured) return
    const seconds = (performance.now() - this.#startedAtMs) / 1_000
    this.#measured = { ...attributes, ...added }
    histogram(duration).record(seconds, this.#measured, this.context)
    for (const [way, byteCount] of this.#byteCounts) this.#recordSize(way, byteCount)
  }

  #recordSize(way: 'request' | 'response', byteCount: number): void {
    const metric = this.#convention.sizes?.[way]
    if (metric && this.#measured) histogram(metric).record(byteCount, this.#measured, this.context)
  }

  #endSpan(attributes: Attributes, error: ServiceError | undefined): void {
    const span = this.#span
    if (span === undefined) return
    if (span.isRecording()) {
      span.setAttributes(attributes)
      if (error) this.#tellError(span, error)
    }
    span.end()
  }

  #tellError(span: Span, { code, message, cause }: ServiceError): void {
    span.setStatus({ code: SpanStatusCode.ERROR, message })
    if (this.#convention.runsHandler && unexpected.has(code) && cause instanceof Error) span.recordException(cause)
  }

  #countActive(change: 1 | -1): void {
    const { active } = this.#convention
    if (active && this.#telemetry.isMeasured) countActive(active, change)
  }
}

/** Codes of exceptions that nobody meant as an answer. What any other code has as a cause was told where it was thrown. */
const unexpected: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['unknown', 'internal', 'data_loss'])
