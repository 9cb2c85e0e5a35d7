import type { RegistryFeature } from './registry-feature.ts'
import type { RegistryStage } from './registry-stage.ts'

/** One thing that every registry must do alike. */
export interface RegistryBehaviour {
  /** What it is about: `outage`. */
  readonly group: string
  /** A statement that is true or false of a registry. */
  readonly name: string
  /** A registry that lacks one of these is not asked. */
  readonly needs: readonly RegistryFeature[]
  /** @throws AssertionError when the registry does otherwise. */
  run(stage: RegistryStage): Promise<void>
}

export interface RegistryBehaviourOptions {
  readonly needs?: readonly RegistryFeature[]
  readonly run: (stage: RegistryStage) => Promise<void>
}

/** Declares the behaviours of a group. */
export function registryBehavioursOf(
  group: string,
): (name: string, options: RegistryBehaviourOptions) => RegistryBehaviour {
  return (name, { needs = [], run }) => Object.freeze({ group, name, needs, run })
}
