import { judgeField, judgeMessage, judgeMethod } from './judge-change.ts'
import type {
  LockEnum,
  LockField,
  LockFile,
  LockMessage,
  LockValue,
  MessageFile,
  Reserved,
} from '../lock-file/lock-file.ts'
import { nothingReserved } from '../lock-file/lock-file.ts'
import { addReserved, enumNumbers, fieldNumbers, freeNumbers, type NumberSpace } from '../lock-file/reserved.ts'

/** What becomes of a lock when its contract has gone on. */
export interface MergedLock<File extends MessageFile = LockFile> {
  /** The contract with the lock's numbers; new parts have new ones, and what is gone is reserved. */
  readonly file: File
  /** What callers of before could not live with. */
  readonly breaks: readonly Break[]
  /** What was added and removed, by full name; empty when the lock knows all of it. */
  readonly changes: readonly string[]
}

/** One thing that the lock does not allow. */
export interface Break {
  /** Full name of the service, the message or the enum. */
  readonly scope: string
  /** `field user_id`, `method GetUser`; nothing for the whole. */
  readonly part: string
  /** What the lock says and what the schema says now. */
  readonly problem: string
  readonly advice: string
}

/**
 * Numbers a contract as its lock says. Names are what things are known by: whatever order they come in, a known one keeps
 * its number, one that is gone is reserved with its name, and a new one gets the next number above all of these.
 */
export function mergeLock(lock: LockFile, current: LockFile): MergedLock {
  const notes: Notes = { breaks: [], changes: [] }
  mergeService(lock, current, notes)
  const messages = mergeMessages(lock, current, notes)
  return { file: { ...current, options: lock.options, messages }, ...notes }
}

/** The same for messages that no service leads to. Those that only the lock has are not looked at. */
export function mergeMessageFile(
  kind: 'contract' | 'event',
  lock: MessageFile,
  current: MessageFile,
): MergedLock<MessageFile> {
  const notes: Notes = { breaks: [], changes: [] }
  if (lock.package !== current.package) notes.breaks.push(otherOwner(current.package, lock.package, kind))
  const messages = mergeMessages(lock, current, notes)
  return { file: { ...current, options: lock.options, messages }, ...notes }
}

interface Notes {
  readonly breaks: Break[]
  readonly changes: string[]
}

function mergeService(lock: LockFile, current: LockFile, { breaks, changes }: Notes): void {
  const scope = `${current.package}.${current.service.name}`
  const locked = `${lock.package}.${lock.service.name}`
  if (locked !== scope) {
    breaks.push(otherOwner(scope, locked, 'contract'))
    return
  }
  const known = new Map(lock.service.methods.map((method) => [method.name, method]))
  for (const method of current.service.methods) {
    const before = known.get(method.name)
    if (before) breaks.push(...judgeMethod(scope, before, method))
    else changes.push(`+${scope}.${method.name}`)
    known.delete(method.name)
  }
  for (const name of known.keys()) {
    const problem = 'the lock has it, the contract has it no more'
    const advice =
      'bring it back, perhaps deprecated, or make a new version of the contract; when nobody calls it any more, take it and its messages out of the file by hand'
    breaks.push({ scope, part: `method ${name}`, problem, advice })
  }
}

function otherOwner(scope: string, locked: string, kind: 'contract' | 'event'): Break {
  const problem = `the lock is that of ${locked}`
  return { scope, part: '', problem, advice: `bring the name back, or give the ${kind} of the new name a new file` }
}

/** What holds messages and enums. */
type Holder = Pick<LockMessage, 'messages'> & Partial<Pick<LockMessage, 'enums'>>

function mergeMessages(lock: Holder, current: Holder, notes: Notes): readonly LockMessage[] {
  const known = new Map(lock.messages.map((message) => [message.fullName, message]))
  const enums = new Set(lock.enums?.map(({ fullName }) => fullName))
  return current.messages.map((message) => {
    if (enums.has(message.fullName)) notes.breaks.push(otherKind(message.fullName, 'an enum', 'a message'))
    const locked = known.get(message.fullName)
    // What is in a new message is told by what it is new for.
    return mergeMessage(locked, message, locked ? notes : { ...notes, changes: [] })
  })
}

function mergeMessage(locked: LockMessage | undefined, current: LockMessage, notes: Notes): LockMessage {
  const scope = current.fullName
  const lock = locked ?? { ...current, fields: [], messages: [], enums: [], reserved: nothingReserved }
  const { reserved, numbers } = mergeNumbers(scope, 'field', {
    lock,
    names: current.fields,
    space: fieldNumbers,
    notes,
  })
  notes.breaks.push(...judgeMessage(lock, current))
  const known = new Map(lock.fields.map((field) => [field.name, field]))
  const fields = current.fields.map((field): LockField => {
    const before = known.get(field.name)
    const { type, breaks } = before ? judgeField(scope, before, field) : { type: field.type, breaks: [] }
    notes.breaks.push(...breaks)
    return { ...field, type, number: numbers.get(field.name) ?? field.number }
  })
  const messages = mergeMessages(lock, current, notes)
  return { ...current, fields, reserved, messages, enums: mergeEnums(lock, current, notes) }
}

function mergeEnums(lock: LockMessage, current: LockMessage, notes: Notes): readonly LockEnum[] {
  const known = new Map(lock.enums.map((one) => [one.fullName, one]))
  const messages = new Set(lock.messages.map(({ fullName }) => fullName))
  return current.enums.map((one) => {
    if (messages.has(one.fullName)) notes.breaks.push(otherKind(one.fullName, 'a message', 'an enum'))
    const locked = known.get(one.fullName)
    return mergeEnum(locked, one, locked ? notes : { ...notes, changes: [] })
  })
}

function mergeEnum(locked: LockEnum | undefined, current: LockEnum, notes: Notes): LockEnum {
  const lock = { fields: locked?.values ?? [], reserved: locked?.reserved ?? nothingReserved }
  // Zero stands for no value, in every enum, and comes first.
  const [zero, ...values] = current.values
  const space = enumNumbers
  const { reserved, numbers } = mergeNumbers(current.fullName, 'value', { lock, names: values, space, notes })
  const numbered = values.map(({ name, number }): LockValue => ({ name, number: numbers.get(name) ?? number }))
  return { ...current, reserved, values: zero ? [zero, ...numbered] : numbered }
}

interface Numbered {
  readonly name: string
  readonly number: number
}

interface NumberMerge {
  readonly lock: { readonly fields: readonly Numbered[]; readonly reserved: Reserved }
  /** What there is now. */
  readonly names: readonly Numbered[]
  readonly space: NumberSpace
  readonly notes: Notes
}

interface MergedNumbers {
  readonly reserved: Reserved
  readonly numbers: ReadonlyMap<string, number>
}

function mergeNumbers(
  scope: string,
  word: 'field' | 'value',
  { lock, names, space, notes }: NumberMerge,
): MergedNumbers {
  const known = new Map(lock.fields.map(({ name, number }) => [name, number]))
  const present = new Set(names.map(({ name }) => name))
  const gone = lock.fields.filter(({ name, number }) => !present.has(name) && (word === 'field' || number !== 0))
  const reserved = addReserved(lock.reserved, {
    ranges: gone.map(({ number }) => [number, number]),
    names: gone.map(({ name }) => name),
  })
  const next = freeNumbers([...known.values()], lock.reserved, space)
  const numbers = new Map<string, number>()
  for (const { name } of names) {
    const number = known.get(name) ?? next()
    if (!known.has(name)) notes.changes.push(`+${scope}.${name}`)
    if (lock.reserved.names.includes(name)) notes.breaks.push(comeBack(scope, `${word} ${name}`))
    if (number === undefined) notes.breaks.push(noneLeft(scope, `${word} ${name}`))
    else numbers.set(name, number)
  }
  notes.changes.push(...gone.map(({ name }) => `-${scope}.${name}`))
  return { reserved, numbers }
}

function comeBack(scope: string, part: string): Break {
  const problem =
    'the lock has reserved its name, for there was one before that was removed, which callers of then still mean by it'
  const advice = 'use another name; or, when no such caller is left, take the name out of the reserved ones by hand'
  return { scope, part, problem, advice }
}

function noneLeft(scope: string, part: string): Break {
  const problem = 'no number is left for it above those that are used and reserved'
  return { scope, part, problem, advice: 'make a new version of the contract' }
}

function otherKind(scope: string, before: string, now: string): Break {
  const problem = `the lock says ${before}, the schema says ${now}`
  return { scope, part: '', problem, advice: 'bring it back, or use a new field for it' }
}
