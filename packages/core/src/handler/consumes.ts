import type { EventType } from '../contract/event.ts'
import { type ConsumesOptions, toConsuming } from './consuming-options.ts'
import { addConsumer } from './handler-metadata.ts'
import type { AnyMethod, ConsumerMethod, Fits } from './method-type.ts'

/**
 * Says that a method handles an event: `@Consumes(orderPlaced, { group: 'user' })`. The class needs no other decorator.
 *
 * @throws ContractError `contract.setting`
 */
export function Consumes<Event extends EventType>(event: Event, options: ConsumesOptions = {}) {
  const consuming = toConsuming(`@Consumes(${event.topic})`, options)
  return <This, Method extends AnyMethod>(
    _method: Fits<NoInfer<Method>, ConsumerMethod<Event>>,
    context: ClassMethodDecoratorContext<This, Method>,
  ): void => {
    addConsumer(context as ClassMethodDecoratorContext, { event, ...consuming })
  }
}
