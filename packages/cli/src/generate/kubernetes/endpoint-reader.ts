import type { ServiceDescription } from '@tenon/core'
import type { Names } from './names.ts'

/** Whether the pods look for others in the API server, and need a token and a role for it: what looks for others needs the directory. */
export function asksApiServer({ registry, providers }: ServiceDescription): boolean {
  return registry?.name === 'kubernetes' && providers.some(({ name }) => name === 'ServiceDirectory')
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
