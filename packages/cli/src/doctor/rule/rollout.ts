import type { Rule } from '../finding.ts'
import { countOf } from '../manifest/quantity.ts'
import { hasCallers, selecting, specOf } from '../subject.ts'

const allUnavailable: Rule = {
  id: 'rollout-takes-all',
  severity: 'error',
  find: (subject) => {
    const { replicaCount, manifest } = subject
    const at = specOf(subject, 'strategy', 'rollingUpdate', 'maxUnavailable')
    if (manifest.kind !== 'Deployment' || !replicaCount || !hasCallers(subject)) return []
    const count = countOf(at, { of: replicaCount, round: Math.floor })
    if (count === undefined || count < replicaCount) return []
    const message = `a rollout may take ${at.shown} pods away at once, and there are ${replicaCount}: nobody answers until a new one is ready`
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
    const { replicaCount } = subject
    if (!replicaCount) return []
    return selecting(subject, 'PodDisruptionBudget', 'selector').flatMap(({ root }) => {
      const [least, most] = [root.at('spec', 'minAvailable'), root.at('spec', 'maxUnavailable')]
      const leastCount = countOf(least, { of: replicaCount, round: Math.ceil })
      const mostCount = countOf(most, { of: replicaCount, round: Math.ceil })
      const isBlocked = (leastCount !== undefined && leastCount >= replicaCount) || mostCount === 0
      if (!isBlocked) return []
      const at = least.isSet ? least : most
      const message = `${least.isSet ? 'minAvailable' : 'maxUnavailable'} ${at.shown} with ${replicaCount} ${replicaCount === 1 ? 'pod' : 'pods'} lets none be evicted: no node can be drained`
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
