import type { EnumShape, FieldShape, FieldType, MessageShape, ServiceShape } from '../proto/message-shape.ts'
import {
  type LockEnum,
  type LockField,
  type LockMessage,
  type MessageFile,
  withNested,
} from '../lock-file/lock-file.ts'

/**
 * The same service with the numbers of a lock, and the wider of two integers where the lock has it.
 *
 * @param file The lock as it was merged with this very service, so that it knows all of it.
 */
export function applyLock(service: ServiceShape, file: MessageFile): ServiceShape {
  const renumbering = new Renumbering(file)
  const methods = service.methods.map((method) => ({
    ...method,
    request: renumbering.message(method.request),
    response: renumbering.message(method.response),
  }))
  return { ...service, methods }
}

/** The same for one message. */
export function applyMessageLock(message: MessageShape, file: MessageFile): MessageShape {
  return new Renumbering(file).message(message)
}

/** A message that is still being copied. */
type Copy = { -readonly [Key in keyof MessageShape]: MessageShape[Key] }

/** Copies messages and enums, each once, so that what refers to itself does so in the copy too. */
class Renumbering {
  readonly #messages: ReadonlyMap<string, LockMessage>
  readonly #enums: ReadonlyMap<string, LockEnum>
  readonly #copies = new Map<MessageShape, MessageShape>()
  readonly #enumCopies = new Map<EnumShape, EnumShape>()

  constructor({ messages }: MessageFile) {
    const all = messages.flatMap(withNested)
    this.#messages = new Map(all.map((message) => [message.fullName, message]))
    this.#enums = new Map(all.flatMap(({ enums }) => enums).map((one) => [one.fullName, one]))
  }

  message(shape: MessageShape): MessageShape {
    const known = this.#copies.get(shape)
    if (known) return known
    const copy: Copy = { ...shape }
    this.#copies.set(shape, copy)
    const locked = new Map(this.#messages.get(shape.fullName)?.fields.map((field) => [field.name, field]))
    copy.fields = shape.fields.map((field) => this.#field(field, locked.get(field.protoName)))
    copy.messages = shape.messages.map((one) => this.message(one))
    copy.enums = shape.enums.map((one) => this.#enum(one))
    return copy
  }

  #field(field: FieldShape, locked: LockField | undefined): FieldShape {
    const type = widened(this.#type(field.type), locked)
    return { ...field, type, number: locked?.number ?? field.number }
  }

  #type(type: FieldType): FieldType {
    if (type.kind === 'message') return { ...type, shape: this.message(type.shape) }
    return type.kind === 'enum' ? { ...type, shape: this.#enum(type.shape) } : type
  }

  #enum(shape: EnumShape): EnumShape {
    const known = this.#enumCopies.get(shape)
    if (known) return known
    const numbers = new Map(this.#enums.get(shape.fullName)?.values.map(({ name, number }) => [name, number]))
    const values = shape.values.map((value) => ({ ...value, number: numbers.get(value.protoName) ?? value.number }))
    const copy: EnumShape = { ...shape, values }
    this.#enumCopies.set(shape, copy)
    return copy
  }
}

function widened(type: FieldType, locked: LockField | undefined): FieldType {
  const isWider = type.kind === 'scalar' && type.scalar === 'int32' && locked?.type === 'int64'
  return isWider ? { ...type, scalar: 'int64' } : type
}
