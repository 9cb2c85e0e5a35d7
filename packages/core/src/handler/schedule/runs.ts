import { addSchedule } from '../handler-metadata.ts'
import type { AnyMethod, Fits, ScheduleMethod } from '../method-type.ts'
import type { Timing } from './timing.ts'
import { toTiming } from './to-timing.ts'

/**
 * Says that a method runs by itself: `@Runs('expire-orders', every('5 m'))`, `@Runs('report', cron('0 3 * * *'))`. A run is a call like any
 * other, from the moment the service is first ready until it is asked to stop: interceptors, deadline, log and drain are the same. One
 * that fails is logged and counted, and the next one comes. Every process of the service runs it; the class needs no other decorator.
 *
 * @param name Of one line, once in a service; for logs, metrics, `/info` and `runSchedule()`.
 */
export function Runs(name: string, timing: Timing) {
  return <This, Method extends AnyMethod>(
    _method: Fits<NoInfer<Method>, ScheduleMethod>,
    context: ClassMethodDecoratorContext<This, Method>,
  ): void => {
    addSchedule(context as ClassMethodDecoratorContext, { name, timing: toTiming(timing) })
  }
}
