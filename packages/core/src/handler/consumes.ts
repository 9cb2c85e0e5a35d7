import type { EventType } from '../contract/event.ts'
import { addConsumer } from './handler-metadata.ts'
import type { AnyMethod, ConsumerMethod, Fits } from './method-type.ts'

export interface ConsumesOptions {
  /** The consumer group: one member of it handles each message. @defaultValue the service's name */
  readonly group?: string
}

/** Says that a method handles an event: `@Consumes(orderPlaced, { group: 'user' })`. The class needs no other decorator. */
export function Consumes<Event extends EventType>(event: Event, options: ConsumesOptions = {}) {
  return <This, Method extends AnyMethod>(
    _method: Fits<NoInfer<Method>, ConsumerMethod<Event>>,
    context: ClassMethodDecoratorContext<This, Method>,
  ): void => {
    addConsumer(context as ClassMethodDecoratorContext, { event, group: options.group })
  }
}
