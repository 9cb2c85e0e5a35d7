import type { ServiceDescription } from '@tenon/core'
import type { Names } from './names.ts'
import { looksForOthers } from './peer.ts'

/** Whether the pods look for others in the API server, and need a token and a role for it. */
export function asksApiServer(service: ServiceDescription): boolean {
  return service.registry?.name === 'kubernetes' && looksForOthers(service)
}

/** What looking for others needs and nothing more: the EndpointSlices of the namespace. @see @tenon/registry-kubernetes */
export function endpointReader({ service, labels }: Names): readonly object[] {
  const name = `${service}-endpoint-reader`
  const apiGroup = 'rbac.authorization.k8s.io'
  return [
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'Role',
      metadata: { name, labels },
      rules: [{ apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] }],
    },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'RoleBinding',
      metadata: { name, labels },
      roleRef: { apiGroup, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name: service }],
    },
  ]
}
