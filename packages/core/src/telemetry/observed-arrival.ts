import { type Attributes, trace } from '@opentelemetry/api'
import { type CallConvention, operationConvention } from './convention.ts'
import { ObservedCall, type ObservedOrigin, type SizeObserver } from './observed-call.ts'
import { receivedTrace } from './trace.ts'

/** A call that came, as far as spans and metrics tell of it. */
export interface ObservedArrival {
  /** The transport's name. */
  readonly transport: string
  readonly metadata: Readonly<Record<string, string | undefined>>
  /**
   * How OpenTelemetry is told of such calls. Asked only where an SDK is registered.
   *
   * @defaultValue by the names of transport and operation
   */
  readonly convention?: CallConvention | undefined
  /**
   * The metadata of messages that it comes of without being a part of what sent them, as several that are handled at once, or one that
   * is handled long after: its trace is one of its own, with links to theirs. Asked only where an SDK is registered.
   *
   * @defaultValue it is a part of what its own metadata says
   */
  readonly follows?: readonly ObservedArrival['metadata'][] | undefined
  /** What the span tells of this call alone. Asked only of a span that is recorded. @defaultValue nothing */
  spanAttributes?(): Attributes
  /** Is given whom to tell how large the call is, once and before it is decoded; never without an SDK that records metrics. */
  measureBy?(sizes: SizeObserver): void
}

/** Undefined where nothing is registered that would take it. */
export function observeArrival(arrival: ObservedArrival, operation: string): ObservedCall | undefined {
  const observed = ObservedCall.begin(
    () => arrival.convention ?? operationConvention(arrival.transport, operation),
    () => ({ ...originOf(arrival), details: () => arrival.spanAttributes?.() ?? {} }),
  )
  const sizes = observed?.sizes
  if (sizes) arrival.measureBy?.(sizes)
  return observed
}

function originOf({ metadata, follows }: ObservedArrival): Pick<ObservedOrigin, 'parent' | 'links'> {
  const parent = receivedTrace(metadata)
  if (follows === undefined) return { parent }
  const links = follows.flatMap((followed) => {
    const context = trace.getSpanContext(receivedTrace(followed))
    return context ? [{ context }] : []
  })
  return { parent: trace.deleteSpan(parent), links }
}
