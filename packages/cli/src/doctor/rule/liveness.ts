import type { ServiceDescription } from '@tenon/core'
import type { Rule } from '../finding.ts'
import { answers } from '../listener.ts'
import { type Probe, probeOf } from '../probe.ts'

const livenessExternal: Rule = {
  id: 'liveness-external',
  severity: 'error',
  find: (subject) => {
    const liveness = probeOf(subject, 'livenessProbe')
    const reason = liveness && reasonOf(liveness)
    if (liveness === undefined || reason === undefined) return []
    const message = `${reason}: every pod is restarted at once, which mends nothing`
    const { admin } = subject.service
    return [
      { at: liveness.at, message, fix: `httpGet: { path: /livez, port: ${admin?.port ?? 'one that answers probes'} }` },
    ]
  },
}

const checkExternal: Rule = {
  id: 'liveness-check-external',
  severity: 'error',
  find: (subject) => {
    const liveness = probeOf(subject, 'livenessProbe')
    if (liveness?.asks !== 'livez') return []
    return subject.service.checks
      .filter(({ affects }) => affects === 'liveness')
      .flatMap(({ name, needs }) => {
        const peers = [...new Set(needs.flatMap((need) => peersOf(need, subject.service)))]
        if (peers.length === 0) return []
        const message = `/livez fails with the check ${name} (affects: 'liveness'), which needs ${peers.join(', ')}: every pod is restarted while that is away`
        return [{ at: liveness.at, message, fix: `affects: 'readiness' for the check ${name}, in the code` }]
      })
  },
}

export const livenessRules: readonly Rule[] = [livenessExternal, checkExternal]

function reasonOf({ by, asks, listener, path }: Probe): string | undefined {
  if (asks === 'readyz') {
    const what = by === 'grpc' ? 'gRPC health, which says what /readyz does' : 'for readiness'
    return `the liveness probe asks ${what}, and that fails while a database or a broker is away`
  }
  if (listener === undefined || path === undefined || asks !== undefined || !listener.hasCallers) return undefined
  return answers(listener, path)
    ? `the liveness probe asks ${path}, which depends on what its handler needs`
    : undefined
}

/** The servers behind something that a check needs: its own, those of what it needs, of the transport it comes with, or the remote it calls. */
function peersOf(need: string, service: ServiceDescription, seen = new Set<string>()): readonly string[] {
  if (seen.has(need)) return []
  seen.add(need)
  const provider = service.providers.find(({ name }) => name === need)
  return [
    ...(provider?.connectsTo ?? []),
    ...service.transports
      .filter(({ provides }) => provides.includes(need))
      .flatMap(({ connectsTo = [] }) => connectsTo),
    ...service.remotes.filter(({ contract }) => need === `clientOf(${contract})`).map(({ address }) => address),
    ...(provider?.needs ?? []).flatMap((inner) => peersOf(inner, service, seen)),
  ]
}
