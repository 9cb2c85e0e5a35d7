import type { Call } from '../call/call.ts'
import type { EventType, Payload } from '../contract/event.ts'
import type { Input, IsStreaming, Operation, Output } from '../contract/operation.ts'

/** What a method that implements the operation returns. */
export type Reply<Op extends Operation> =
  IsStreaming<Op> extends true ? AsyncIterable<Output<Op>> : Promise<Output<Op>> | Output<Op>

/** A method that implements the operation. */
export type OperationMethod<Op extends Operation> = (input: Input<Op>, call: Call) => Reply<Op>

/** A method that consumes the event. */
export type ConsumerMethod<Event extends EventType> = (payload: Payload<Event>, call: Call) => unknown

/** Any method, for decorators to infer the one they stand on. */
// biome-ignore format: one line holds the reason
// oxlint-disable-next-line typescript/no-explicit-any -- a decorator must accept whatever method it stands on before it can judge it
export type AnyMethod = (this: any, ...args: any[]) => unknown

/** The method itself where it fits; otherwise a type whose property says what is wrong, for the compiler to print. */
export type Fits<Method, Expected extends AnyMethod> = Method extends Expected
  ? unknown
  : Method extends (...args: infer Given) => infer Returned
    ? Parameters<Expected> extends Given
      ? {
          readonly 'The method does not return what the operation answers': never
          readonly expected: ReturnType<Expected>
          readonly returned: Returned
        }
      : {
          readonly 'The method does not take what the operation receives': never
          readonly expected: Parameters<Expected>[0]
          readonly taken: Given[0]
        }
    : never
