import { announceCases } from './case/announce.ts'
import { fieldCases } from './case/field.ts'
import { lossCases } from './case/loss.ts'
import { manyCases } from './case/many.ts'
import { outageCases } from './case/outage.ts'
import { snapshotCases } from './case/snapshot.ts'
import { updateCases } from './case/update.ts'
import { watchCases } from './case/watch.ts'
import type { RegistryBehaviour } from './registry-behaviour.ts'

/** Everything that every registry must do alike. */
export const registryBehaviours: readonly RegistryBehaviour[] = Object.freeze([
  ...snapshotCases,
  ...fieldCases,
  ...watchCases,
  ...announceCases,
  ...updateCases,
  ...lossCases,
  ...outageCases,
  ...manyCases,
])
