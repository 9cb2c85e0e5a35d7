import { hostname } from 'node:os'
import { expect, it } from 'vitest'
import { resourceAttributes } from './resource-attributes.ts'

const service = { name: 'note', version: '1.2.3', instanceId: 'note-a' }
const nothing = { serviceName: undefined, resource: {} }

it('says what the service is and where it runs', () => {
  expect(resourceAttributes(service, nothing, { POD_NAME: 'p' })).toEqual({
    'service.name': 'note',
    'service.version': '1.2.3',
    'service.instance.id': 'note-a',
    'host.name': hostname(),
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
  })
})

it('says in Kubernetes what the downward API tells, or else the name of the pod', () => {
  const inCluster = { KUBERNETES_SERVICE_HOST: '10.0.0.1' }
  expect(resourceAttributes(service, nothing, inCluster)).toMatchObject({ 'k8s.pod.name': hostname() })
  const told = { ...inCluster, POD_NAME: 'note-7', POD_NAMESPACE: 'shop', POD_UID: 'u', NODE_NAME: 'n' }
  expect(resourceAttributes(service, nothing, told)).toMatchObject({
    'k8s.pod.name': 'note-7',
    'k8s.namespace.name': 'shop',
    'k8s.pod.uid': 'u',
    'k8s.node.name': 'n',
  })
})

it('lets settings count before what it finds out itself', () => {
  const resource = { 'host.name': 'other', 'service.name': 'by attribute', team: 'a' }
  expect(resourceAttributes(service, { serviceName: undefined, resource }, {})).toMatchObject(resource)
  expect(resourceAttributes(service, { serviceName: 'by name', resource }, {})['service.name']).toBe('by name')
})
