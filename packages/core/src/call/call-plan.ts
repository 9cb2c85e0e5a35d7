import type { OperationKind } from '../contract/operation.ts'
import type { CompiledSchema } from '../schema/compiled-schema.ts'
import type { AccessCheck, Authenticator, Policy } from './rule/access.ts'
import type { LoggedCalls } from './call-log.ts'
import type { Gate } from './gate.ts'
import type { OperationLoad } from './overload/operation-load.ts'
import type { Invoke } from './rule/interceptor.ts'
import type { Limiter } from './rule/limiter.ts'
import type { CallFacts } from './running-call.ts'

/** Everything about an operation that was decided at boot. */
export interface CallPlan extends CallFacts {
  readonly kind: OperationKind
  /** The input, or one item of an input stream. */
  readonly input: CompiledSchema
  /** Undefined for events, which have no output. */
  readonly output: CompiledSchema | undefined
  readonly isOutputChecked: boolean
  readonly authenticate: Authenticator | undefined
  readonly access: AccessCheck | undefined
  readonly policy: Policy | undefined
  /** Taken in this order. */
  readonly limiters: readonly Limiter[]
  /** Undefined where nothing protects the service against too many calls. */
  readonly load: OperationLoad | undefined
  readonly loggedCalls: LoggedCalls
  /** Whether its calls have spans and metrics of their own. @defaultValue true */
  readonly isObserved?: boolean
  /** The handler with its interceptors around it. */
  readonly invoke: Invoke
}

/** What all calls of an operation share. */
export interface CallPath extends CallPlan {
  readonly gate: Gate
  readonly isInputStream: boolean
  readonly isOutputStream: boolean
  readonly write: (value: unknown) => unknown
}
