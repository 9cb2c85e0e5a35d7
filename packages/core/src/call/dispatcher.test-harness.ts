import Type from 'typebox'
import type { AccessRule } from '../contract/operation.ts'
import type { ServiceError } from '../error/service-error.ts'
import { compileSchema } from '../schema/compiled-schema.ts'
import type { Logger } from '../telemetry/log.ts'
import { compileAccess } from './rule/access.ts'
import type { Arrival, Outcome } from './arrival.ts'
import type { CallPlan } from './call-plan.ts'
import { composeDispatch, composeRefusal } from './dispatcher.ts'
import { Gate } from './gate.ts'
import { composeInterceptors, type Interceptor, type Invoke } from './rule/interceptor.ts'

export const Text = compileSchema(Type.Object({ text: Type.String() }))

export interface LogLine {
  readonly level: string
  readonly fields: Record<string, unknown>
  readonly message: string | undefined
}

function recordingLog(lines: LogLine[]): Logger {
  const at = (level: string) => (fields: object, message?: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message })
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => recordingLog(lines),
  }
}

export interface Given extends Partial<Omit<CallPlan, 'access'>> {
  readonly access?: AccessRule
  readonly interceptors?: readonly Interceptor[]
}

/** A dispatcher for a handler, with everything about it that tests look at. */
export function dispatcherFor(handler: Invoke, { access = 'public', interceptors = [], ...given }: Given = {}) {
  const lines: LogLine[] = []
  const gate = new Gate()
  const plan: CallPlan = {
    id: 'a.A/echo',
    timeoutMs: undefined,
    log: recordingLog(lines),
    kind: 'unary',
    input: Text,
    output: Text,
    isOutputChecked: true,
    authenticate: undefined,
    policy: undefined,
    limiters: [],
    load: undefined,
    loggedCalls: 'failed',
    forwarded: [],
    access: compileAccess(access),
    invoke: composeInterceptors(interceptors, handler),
    ...given,
  }
  const dispatch = composeDispatch(plan, gate)
  const send = (arrival: Partial<Arrival> = {}) =>
    dispatch({ transport: 'test', metadata: {}, decode: () => ({ text: 'hi' }), ...arrival })
  /** What a call is refused for by its metadata alone. */
  const refuse = (metadata: Record<string, string>) =>
    composeRefusal(plan, gate)?.({ transport: 'test', metadata: (name) => metadata[name] })
  return { send, dispatch, refuse, gate, lines }
}

export function errorOf(outcome: Outcome): ServiceError {
  if (outcome.ok) throw new Error('expected a failure')
  return outcome.error
}

export function itemsOf(outcome: Outcome): AsyncIterableIterator<unknown> {
  if (!outcome.ok) throw outcome.error
  return outcome.value as AsyncIterableIterator<unknown>
}

export const echo: Invoke = (input) => input

/** All items, in order. */
export async function allOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}
