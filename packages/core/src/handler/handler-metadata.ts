import type { Interceptor } from '../call/rule/interceptor.ts'
import type { Contract } from '../contract/contract.ts'
import type { EventType } from '../contract/event.ts'
import type { AccessRule, Operation } from '../contract/operation.ts'
import type { Consuming } from './consuming-options.ts'
import type { Timing } from './schedule/timing.ts'
import type { Serving } from './serving-options.ts'

// No engine defines Symbol.metadata yet; compilers store decorator metadata under it only if it exists when a class is
// defined. The registered symbol is the one esbuild falls back to, so both toolchains meet here.
if (Symbol.metadata === undefined) Object.defineProperty(Symbol, 'metadata', { value: Symbol.for('Symbol.metadata') })

/** What the decorators of one class said, in the order of its members. */
export interface HandlerMetadata {
  readonly contracts: HandledContract[]
  readonly operations: DecoratedOperation[]
  readonly consumers: DecoratedConsumer[]
  readonly schedules: DecoratedSchedule[]
  /** By member; the empty name stands for the whole class. */
  readonly interceptors: Map<string, readonly Interceptor[]>
}

interface DecoratedOperation {
  readonly operation: Operation
  readonly serving: Serving
  readonly member: Member
}

interface DecoratedConsumer extends Consuming {
  readonly event: EventType
  readonly member: Member
}

interface DecoratedSchedule {
  readonly name: string
  readonly timing: Timing
  readonly member: Member
}

export interface HandledContract {
  readonly contract: Contract
  readonly only: readonly string[] | undefined
  /** For operations whose contract and method have no rule. */
  readonly access: AccessRule | undefined
}

/** Notes a decorated member. One that overrides a member of the base class takes its place. */
export function addOperation(
  context: ClassMethodDecoratorContext,
  { operation, serving }: Omit<DecoratedOperation, 'member'>,
): void {
  const { operations } = writableMetadata(context)
  const member = memberOf(context)
  place(
    operations,
    { operation, serving, member },
    (other) => other.operation === operation && isSame(other.member, member),
  )
}

/** As `addOperation`, for a member that consumes an event. */
export function addConsumer(
  context: ClassMethodDecoratorContext,
  { event, ...consuming }: Omit<DecoratedConsumer, 'member'>,
): void {
  const { consumers } = writableMetadata(context)
  const member = memberOf(context)
  place(consumers, { event, ...consuming, member }, (other) => other.event === event && isSame(other.member, member))
}

/** As `addOperation`, for a member that runs by itself. */
export function addSchedule(
  context: ClassMethodDecoratorContext,
  { name, timing }: Omit<DecoratedSchedule, 'member'>,
): void {
  const { schedules } = writableMetadata(context)
  const member = memberOf(context)
  place(schedules, { name, timing, member }, (other) => other.name === name && isSame(other.member, member))
}

/** A decorated member, and why no call could reach it, if so. */
export interface Member {
  readonly name: string
  readonly obstacle: 'static' | 'private' | 'computed' | undefined
}

const key: unique symbol = Symbol.for('tenon.handler_metadata') as never

interface Store {
  [key]?: HandlerMetadata
}

/** The metadata of the class whose decorator runs; begins with what its base class said. */
export function writableMetadata(context: DecoratorContext): HandlerMetadata {
  const store = context.metadata as Store
  if (!Object.hasOwn(store, key)) store[key] = copy(store[key])
  return store[key] as HandlerMetadata
}

/** The metadata of a class, or undefined when it has no decorator of ours. */
export function metadataOf(handler: object): HandlerMetadata | undefined {
  return (Reflect.get(handler, Symbol.metadata) as Store | null | undefined)?.[key]
}

function place<Item>(items: Item[], item: Item, isReplaced: (other: Item) => boolean): void {
  const at = items.findIndex(isReplaced)
  if (at === -1) items.push(item)
  else items[at] = item
}

function isSame(one: Member, other: Member): boolean {
  return one.name === other.name && one.obstacle === other.obstacle
}

/** The member a decorator stands on. */
function memberOf(context: ClassMethodDecoratorContext): Member {
  const isComputed = typeof context.name === 'symbol'
  const obstacle = context.static ? 'static' : context.private ? 'private' : isComputed ? 'computed' : undefined
  return { name: String(context.name), obstacle }
}

function copy(base: HandlerMetadata | undefined): HandlerMetadata {
  return {
    contracts: [...(base?.contracts ?? [])],
    operations: [...(base?.operations ?? [])],
    consumers: [...(base?.consumers ?? [])],
    schedules: [...(base?.schedules ?? [])],
    interceptors: new Map(base?.interceptors),
  }
}
