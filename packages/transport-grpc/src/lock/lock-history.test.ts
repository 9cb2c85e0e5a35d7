import { contract } from '@tenon/core/contract'
import { ContractError } from '@tenon/core/transport'
import fc from 'fast-check'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { checkLock } from './check-lock.ts'
import type { LockMessage, LockValue, Reserved } from '../lock-file/lock-file.ts'
import { protoOf } from './proto-of.ts'
import { readLock } from '../lock-file/read-lock.ts'
import { isReserved } from '../lock-file/reserved.ts'
import { writeLock } from '../lock-file/write-lock.ts'

/** What there is at a time, in its order of declaration. */
interface Version {
  readonly fields: readonly string[]
  readonly texts: readonly string[]
}

const pool = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta', 'theta']
const selection = fc.shuffledSubarray(pool)
const histories = fc.array(fc.record({ fields: selection, texts: selection }), { minLength: 2, maxLength: 8 })

function contractOf({ fields, texts }: Version) {
  const named = Object.fromEntries(fields.map((name) => [name, Type.String()]))
  const inner = Type.Object({ ...named, state: Type.Enum([...texts]) })
  return contract('demo.v1.Shop', { doIt: { input: Type.Object({ ...named, inner }), output: Type.Object({}) } })
}

/** A history in which nothing comes back, and there is always a text. */
function withoutReturns(history: readonly Version[]): readonly Version[] {
  const fields = new Returns()
  const texts = new Returns()
  return history.map((version, index) => ({
    fields: fields.next(version.fields),
    texts: texts.next([`always${index}`, ...version.texts]),
  }))
}

class Returns {
  readonly #gone = new Set<string>()
  #present: readonly string[] = []

  next(names: readonly string[]): readonly string[] {
    const present = names.filter((name) => !this.#gone.has(name))
    for (const name of this.#present) if (!present.includes(name)) this.#gone.add(name)
    this.#present = present
    return present
  }
}

interface Numbered {
  readonly scope: string
  readonly values: readonly LockValue[]
  readonly reserved: Reserved
}

function numberedIn({ fullName, fields, enums, messages, reserved }: LockMessage): readonly Numbered[] {
  return [
    { scope: fullName, values: fields, reserved },
    ...enums.map((one) => ({ scope: one.fullName, values: one.values, reserved: one.reserved })),
    ...messages.flatMap(numberedIn),
  ]
}

/** Every lock of a history, each made from the one before. */
function locksOf(history: readonly Version[]): readonly string[] {
  const locks: string[] = []
  for (const version of history) {
    const lock = locks.at(-1)
    locks.push(protoOf(contractOf(version), lock === undefined ? {} : { lock }))
  }
  return locks
}

/** What numbers and names have stood for since the beginning. */
class Memory {
  readonly #names = new Map<string, string>()
  readonly #numbers = new Map<string, number>()

  add({ scope, values }: Numbered): void {
    for (const { name, number } of values) {
      expect(this.#names.get(`${scope} ${number}`) ?? name).toBe(name)
      expect(this.#numbers.get(`${scope} ${name}`) ?? number).toBe(number)
      this.#names.set(`${scope} ${number}`, name)
      this.#numbers.set(`${scope} ${name}`, number)
    }
  }

  /** All that is gone of a scope has to be reserved there. */
  compare({ scope, values, reserved }: Numbered): void {
    const present = new Set(values.map(({ name }) => name))
    for (const [key, number] of this.#numbers) {
      const [owner, name = ''] = key.split(' ')
      if (owner !== scope || present.has(name)) continue
      expect(isReserved(reserved, number)).toBe(true)
      expect(reserved.names).toContain(name)
    }
  }
}

test('in any history no number and no name is used for a second thing, and what is gone is reserved', () => {
  const check = fc.property(histories, (history) => {
    const memory = new Memory()
    for (const lock of locksOf(withoutReturns(history)))
      for (const scope of readLock(lock, 'the lock').messages.flatMap(numberedIn)) {
        memory.add(scope)
        memory.compare(scope)
      }
  })
  fc.assert(check, { numRuns: 60 })
})

test('any lock is read as it was written, and the same contract leaves it as it is', () => {
  const check = fc.property(histories, (history) => {
    const versions = withoutReturns(history)
    for (const [index, lock] of locksOf(versions).entries()) {
      const file = readLock(lock, 'the lock')
      checkLock(file, 'the lock')
      expect(writeLock(file)).toBe(lock)
      expect(readLock(writeLock(file), 'the lock')).toEqual(file)
      const [version] = versions.slice(index)
      if (version) expect(protoOf(contractOf(version), { lock })).toBe(lock)
    }
  })
  fc.assert(check, { numRuns: 30 })
})

test('what is gone does not come back under its name', () => {
  const check = fc.property(selection, fc.constantFrom(...pool), (fields, name) => {
    const others = fields.filter((field) => field !== name)
    const locks = locksOf([[...others, name], others].map((some) => ({ fields: some, texts: ['on'] })))
    const back = contractOf({ fields: [name, ...others], texts: ['on'] })
    expect(() => protoOf(back, { lock: locks.at(-1) ?? '' })).toThrow(ContractError)
  })
  fc.assert(check, { numRuns: 30 })
})
