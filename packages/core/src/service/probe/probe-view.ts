import type { ProbeName } from '../../transport/probe.ts'
import { type Condition, toConditions } from '../health/condition.ts'
import type { ProbeView } from './probes.ts'
import type { Readiness } from '../health/readiness.ts'
import type { ServiceParts } from '../lifecycle/shutdown-phases.ts'
import { conditionsOf, doAllTell } from '../health/transport-condition.ts'

/** What of a service probes tell of; read whenever they are asked. */
export interface ProbedParts extends Pick<ServiceParts, 'health' | 'servers' | 'background'> {
  /** Of the servers, in their order. */
  readonly transportNames: readonly string[]
}

/** A service as its probes see it. */
export function probeView(readiness: Pick<Readiness, 'isAllowed' | 'isOpen'>, parts: ProbedParts): ProbeView {
  const allowances: Readonly<Record<ProbeName, () => boolean>> = {
    livez: () => true,
    readyz: () => readiness.isAllowed,
    startupz: () => readiness.isOpen,
  }
  const conditions = (name: ProbeName): readonly Condition[] =>
    toConditions(name, {
      results: parts.health?.results ?? [],
      transports: conditionsOf(parts.servers, parts.transportNames),
      doTransportsDecide: doAllTell(parts.servers),
      tasks: parts.background?.conditions ?? [],
    })
  return { isAllowed: (name) => allowances[name](), conditions }
}
