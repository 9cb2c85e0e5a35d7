import type { Rule } from '../finding.ts'
import type { Field } from '../manifest/field.ts'
import { countOf } from '../manifest/quantity.ts'
import { hasCallers, selecting, specOf } from '../subject.ts'

const allUnavailable: Rule = {
  id: 'rollout-takes-all',
  severity: 'error',
  find: (subject) => {
    const { replicaCount, manifest } = subject
    const at = specOf(subject, 'strategy', 'rollingUpdate', 'maxUnavailable')
    if (manifest.kind !== 'Deployment' || !hasCallers(subject)) return []
    if (!isAll(at, { of: replicaCount, round: Math.floor })) return []
    const known = replicaCount === undefined ? '' : `, and there are ${replicaCount}`
    const message = `a rollout may take ${at.shown} pods away at once${known}: nobody answers until a new one is ready`
    return [{ at, message, fix: 'maxUnavailable: 0, maxSurge: 1' }]
  },
}

const recreate: Rule = {
  id: 'rollout-by-recreation',
  severity: 'warning',
  find: (subject) => {
    const at = specOf(subject, 'strategy', 'type')
    if (at.text !== 'Recreate' || !hasCallers(subject)) return []
    const message =
      'Recreate ends all pods before it starts new ones: each rollout is an outage of at least the drain and the start'
    return [{ at, message, fix: 'type: RollingUpdate, rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }' }]
  },
}

const evictionBlocked: Rule = {
  id: 'eviction-blocked',
  severity: 'error',
  find: (subject) => {
    const { replicaCount, manifest } = subject
    if (manifest.kind === 'DaemonSet') return []
    return selecting(subject, 'PodDisruptionBudget', 'selector').flatMap(({ root }) => {
      const [least, most] = [root.at('spec', 'minAvailable'), root.at('spec', 'maxUnavailable')]
      const isBlocked = isAll(least, { of: replicaCount, round: Math.ceil }) || isNone(most)
      if (replicaCount === 0 || !isBlocked) return []
      const at = least.isSet ? least : most
      const known = replicaCount === undefined ? '' : ` with ${replicaCount} ${replicaCount === 1 ? 'pod' : 'pods'}`
      const message = `${least.isSet ? 'minAvailable' : 'maxUnavailable'} ${at.shown}${known} lets none be evicted: no node can be drained`
      return [{ at, message, fix: replicaCount === 1 ? 'replicas: 2, with maxUnavailable: 1' : 'maxUnavailable: 1' }]
    })
  },
}

const budgetMissing: Rule = {
  id: 'disruption-budget-missing',
  severity: 'warning',
  find: (subject) => {
    const { replicaCount = 0, manifest } = subject
    if (replicaCount < 2 || selecting(subject, 'PodDisruptionBudget', 'selector').length > 0) return []
    const message = `nothing keeps a drain of nodes from evicting all ${replicaCount} pods at once`
    return [
      { at: manifest.root, message, fix: 'a PodDisruptionBudget with maxUnavailable: 1 and the selector of the pods' },
    ]
  },
}

export const rolloutRules: readonly Rule[] = [allUnavailable, recreate, evictionBlocked, budgetMissing]

interface Share {
  /** How many pods there are; undefined where nobody says. */
  readonly of: number | undefined
  readonly round: (count: number) => number
}

/** Whether a count or a share is all of the pods; where nobody says how many there are, only the whole share is. */
function isAll(at: Field, { of, round }: Share): boolean {
  if (of === undefined) return at.text === '100%'
  const count = countOf(at, { of, round })
  return of > 0 && count !== undefined && count >= of
}

function isNone(at: Field): boolean {
  return countOf(at, { of: 1, round: Math.ceil }) === 0
}
