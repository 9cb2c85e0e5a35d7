import { ContractError } from '@tenon/core/transport'
import { protoOf } from '@tenon/transport-grpc'
import { type Change, contractOf } from './change.ts'

/** A change as it goes in a repository. */
export interface Replay {
  /** The lock before, as it was committed. */
  readonly committed: string
  /** The lock that the change leads to; undefined where it is refused. */
  readonly merged: string | undefined
  /** What was told of it where it is refused. */
  readonly refusal: string
  /** The file of an author who keeps no lock: numbers follow the order of declaration. */
  readonly careless: string
}

/** Plays a change of a contract in a package of its own. */
export function replay({ before, after, byHand, renamedTo = 'UserService' }: Change, owner: string): Replay {
  const committed = before.reduce<string | undefined>((lock, operations) => {
    return protoOf(contractOf(`${owner}.UserService`, operations), lock === undefined ? {} : { lock })
  }, undefined)
  if (committed === undefined) throw new Error('a change has a before')
  const changed = contractOf(`${owner}.${renamedTo}`, after)
  const careless = protoOf(changed)
  try {
    const merged = protoOf(changed, { lock: byHand?.(committed) ?? committed })
    return { committed, merged, refusal: '', careless }
  } catch (error) {
    if (!(error instanceof ContractError)) throw error
    return { committed, merged: undefined, refusal: error.message, careless }
  }
}
