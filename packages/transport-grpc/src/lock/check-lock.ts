import { ContractError, type SetupProblem } from '@tenon/core/transport'
import type {
  LockEnum,
  LockFile,
  LockMessage,
  LockValue,
  MessageFile,
  NumberRange,
  Reserved,
} from '../lock-file/lock-file.ts'
import { fieldNumbers, isReserved, type NumberSpace } from '../lock-file/reserved.ts'
import { unusedParts } from './unused.ts'

/**
 * Requires what protobuf does of names and numbers, which two branches that both added a field may have broken when merged, and that
 * nothing would be lost when the file is written anew.
 *
 * @throws ContractError `contract.proto`; all problems at once.
 */
export function checkLock(file: LockFile, where: string): void {
  const methodTypes = file.service.methods.flatMap(({ request, response }) => [request, response])
  checkFile(file, where, { roots: methodTypes, unused: `no method leads to it${lost}` })
}

/** The same for the file of an event, whose one message has the full name. */
export function checkEventLock(file: MessageFile, where: string, fullName: string): void {
  checkFile(file, where, { roots: [fullName], unused: `it is no part of ${fullName}${lost}` })
}

interface Used {
  readonly roots: readonly string[]
  /** What is said of all that they do not lead to. */
  readonly unused: string
}

function checkFile(file: MessageFile, where: string, { roots, unused }: Used): void {
  const problems = [
    ...file.messages.flatMap(checkMessage).map((problem) => `${problem}; ${correct}`),
    ...unusedParts(file, roots).map((part) => `${part}: ${unused}`),
  ]
  const told = problems.map((problem): SetupProblem => ({ code: 'contract.proto', message: `${where}: ${problem}` }))
  if (told.length > 0) throw new ContractError(told)
}

const correct = 'correct it by hand: the number that callers already know stays, a newer one moves'
const lost =
  ', so that it would be lost when the file is written anew; take it out, and keep what is yours in a file of its own'

function checkMessage({ fullName, fields, reserved, messages, enums }: LockMessage): readonly string[] {
  return [
    ...checkNumbers(fullName, fields, reserved),
    ...fields.filter(({ number }) => !isFieldNumber(number)).map(({ name, number }) => outside(fullName, name, number)),
    ...messages.flatMap(checkMessage),
    ...enums.flatMap(checkEnum),
  ]
}

function checkEnum({ fullName, values, reserved }: LockEnum): readonly string[] {
  const noZero = values[0]?.number === 0 ? [] : [`the first value of enum ${fullName} has to be 0`]
  return [...noZero, ...checkNumbers(fullName, values, reserved)]
}

function checkNumbers(scope: string, values: readonly LockValue[], reserved: Reserved): readonly string[] {
  const problems: string[] = []
  const byNumber = new Map<number, string>()
  const names = new Set<string>()
  for (const { name, number } of values) {
    const other = byNumber.get(number)
    if (other !== undefined) problems.push(`${other} and ${name} of ${scope} both have the number ${number}`)
    if (names.has(name)) problems.push(`${scope} has ${name} twice`)
    if (isReserved(reserved, number)) problems.push(`${name} of ${scope} has the number ${number}, which is reserved`)
    if (reserved.names.includes(name)) problems.push(`${name} of ${scope} is reserved too`)
    byNumber.set(number, name)
    names.add(name)
  }
  return problems
}

function isFieldNumber(number: number): boolean {
  const { largest, kept }: NumberSpace = fieldNumbers
  const isKept = kept.some(([first, last]: NumberRange) => number >= first && number <= last)
  return number >= 1 && number <= largest && !isKept
}

function outside(scope: string, name: string, number: number): string {
  return `${name} of ${scope} has the number ${number}, which no field can have`
}
