import type { BatchItem } from '../call/batch/batch-item.ts'
import type { Call } from '../call/call.ts'
import type { EventType, Payload } from '../contract/event.ts'
import type { Input, IsStreaming, Operation, Output } from '../contract/operation.ts'
import type { ScheduledRun } from './schedule/timing.ts'

/** What a method that implements the operation returns. */
export type Reply<Op extends Operation> =
  IsStreaming<Op> extends true ? AsyncIterable<Output<Op>> : Promise<Output<Op>> | Output<Op>

/** A method that implements the operation. */
export type OperationMethod<Op extends Operation> = (input: Input<Op>, call: Call) => Reply<Op>

/** A method that consumes the event. */
export type ConsumerMethod<Event extends EventType> = (payload: Payload<Event>, call: Call) => unknown

/** A method that consumes several messages of the event at once. */
export type BatchMethod<Event extends EventType> = (items: readonly BatchItem<Payload<Event>>[], call: Call) => unknown

/** A method that runs by a schedule. */
export type ScheduleMethod = (run: ScheduledRun, call: Call) => unknown

/** Any method, for decorators to infer the one they stand on. */
// biome-ignore format: one line holds the reason
// oxlint-disable-next-line typescript/no-explicit-any -- a decorator must accept whatever method it stands on before it can judge it
export type AnyMethod = (this: any, ...args: any[]) => unknown

/** Anything where the method fits; otherwise a type whose name and parameters say what is wrong, for the compiler to print. */
export type Fits<Method, Expected extends AnyMethod> = Method extends Expected
  ? unknown
  : Method extends (...args: Parameters<Expected>) => infer Returned
    ? ReturnMisfit<Value<ReturnType<Expected>>, Value<Returned>>
    : Parameters<Expected>[0] extends FirstParameter<Method>
      ? Misfit<'a method takes the input and a Call, no more', [Call], RestParameters<Method>>
      : Misfit<
          `the method takes another input than is declared${At<FirstParameter<Method>, Parameters<Expected>[0]>}`,
          Parameters<Expected>[0],
          FirstParameter<Method>
        >

type ReturnMisfit<Expected, Returned> = [Expected] extends [AsyncIterable<infer Item>]
  ? [Returned] extends [AsyncIterable<infer ReturnedItem>]
    ? Misfit<`the stream has other items than are declared${At<Item, ReturnedItem>}`, Item, ReturnedItem>
    : Misfit<'the operation answers with a stream: return an async iterable', Expected, Returned>
  : [Returned] extends [AsyncIterable<unknown>]
    ? Misfit<'the operation answers with one value, not with a stream', Expected, Returned>
    : Misfit<`the method returns something else than is declared${At<Expected, Returned>}`, Expected, Returned>

/** What was expected and what was found. */
interface Misfit<Problem extends string, Expected, Found> {
  readonly problem: Problem
  readonly expected: Expected
  readonly found: Found
}

/** What a reply comes to: the value behind a promise, or a stream as it is. */
type Value<Returned> = Returned extends Promise<infer Resolved> ? Resolved : Returned

type FirstParameter<Method> = Method extends (first: infer First, ...rest: never[]) => unknown ? First : never
type RestParameters<Method> = Method extends (first: never, ...rest: infer Rest) => unknown ? Rest : never

/** The fields in which two objects differ, as text; nothing where one is no object. */
type At<Expected, Found> = [WrongField<Expected, Found>] extends [never] ? '' : `, at ${WrongField<Expected, Found>}`

type WrongField<Expected, Found> = Found extends object
  ? {
      [Name in keyof Expected & string]-?: Name extends keyof Found
        ? Found[Name] extends Expected[Name]
          ? never
          : Name
        : undefined extends Expected[Name]
          ? never
          : Name
    }[keyof Expected & string]
  : never
