import type { EventType } from '../contract/event.ts'
import { type BatchConsumesOptions, type ConsumesOptions, toConsuming } from './consuming-options.ts'
import { addConsumer } from './handler-metadata.ts'
import type { AnyMethod, BatchMethod, ConsumerMethod, Fits } from './method-type.ts'

/** Stands on a method that fits what is expected. */
type MethodDecorator<Expected extends AnyMethod> = <This, Method extends AnyMethod>(
  method: Fits<NoInfer<Method>, Expected>,
  context: ClassMethodDecoratorContext<This, Method>,
) => void

/**
 * Says that a method handles an event: `@Consumes(orderPlaced, { group: 'user' })`. The class needs no other decorator.
 *
 * With `batch` the method gets several messages at once: `@Consumes(orderPlaced, { batch: { maxCount: 500 } })` stands on
 * `(items: readonly BatchItem<Payload<typeof orderPlaced>>[], call: Call)`.
 *
 * @throws ContractError `contract.setting`
 */
export function Consumes<Event extends EventType>(
  event: Event,
  options: BatchConsumesOptions,
): MethodDecorator<BatchMethod<Event>>
export function Consumes<Event extends EventType>(
  event: Event,
  options?: ConsumesOptions,
): MethodDecorator<ConsumerMethod<Event>>
export function Consumes(event: EventType, options: ConsumesOptions | BatchConsumesOptions = {}) {
  const consuming = toConsuming(`@Consumes(${event.topic})`, options)
  return (_method: unknown, context: ClassMethodDecoratorContext): void => {
    addConsumer(context, { event, ...consuming })
  }
}
