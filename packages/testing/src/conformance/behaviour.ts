import type { Feature } from './feature.ts'
import type { Stage } from './stage.ts'

/** One thing that every transport must do alike. */
export interface Behaviour {
  /** What it is about: `access`. */
  readonly group: string
  /** A statement that is true or false of a transport. */
  readonly name: string
  /** A transport that lacks one of these is not asked. */
  readonly needs: readonly Feature[]
  /** @throws AssertionError when the transport does otherwise. */
  run(stage: Stage): Promise<void>
}

/** What is said of a behaviour beside its name. */
export interface BehaviourOptions {
  readonly needs?: readonly Feature[]
  readonly run: (stage: Stage) => Promise<void>
}

/** Declares the behaviours of a group. */
export function behavioursOf(group: string): (name: string, options: BehaviourOptions) => Behaviour {
  return (name, { needs = [], run }) => Object.freeze({ group, name, needs, run })
}
