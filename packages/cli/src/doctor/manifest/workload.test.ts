import { describe, expect, it } from 'vitest'
import { UsageError } from '../../command/command.ts'
import { parseManifests } from './parse-manifests.ts'
import { type WorkloadSearch, workloadsOf } from './workload.ts'

const pods = (name: string, ...containers: readonly string[]) =>
  `{ kind: Deployment, metadata: { name: ${name} }, spec: { template: { metadata: { labels: { app: ${name}-app } }, spec: { containers: [${containers.join(', ')}] } } } }`
const container = (name: string, image = 'x') => `{ name: ${name}, image: "${image}" }`

function found(texts: readonly string[], search: Partial<WorkloadSearch> = {}) {
  const manifests = parseManifests(texts.join('\n---\n'), 'a test')
  return workloadsOf('user', manifests, { isLive: false, ...search }).map(
    (workload) => `${workload.manifest.name}/${workload.container.at('name').text}`,
  )
}

const other = pods('bill', container('app'))

describe('workloadsOf', () => {
  it.each([
    ['a container', [other, pods('a', container('app'), container('user'))], 'a/user'],
    ['an image', [other, pods('a', container('app', 'host:5000/shop/user:1@sha256:0'), container('b'))], 'a/app'],
    ['its own', [other, pods('user', container('app'))], 'user/app'],
    ['a label', [other, pods('a', container('app')).replace('a-app', 'user')], 'a/app'],
    ['the only one', [pods('a', container('app'))], 'a/app'],
  ])('knows the workload by the name of %s', (_what, texts, expected) => {
    expect(found(texts)).toEqual([expected])
  })

  it('looks at all of them, such as a canary', () => {
    expect(found([pods('user', container('user')), other, pods('user-canary', container('user'))])).toEqual([
      'user/user',
      'user-canary/user',
    ])
  })

  it('finds the container that it is told', () => {
    expect(found([pods('user', container('app'), container('b'))], { containerName: 'b' })).toEqual(['user/b'])
  })

  it('looks for the container within the workloads that run the service', () => {
    const both = container('app', 'shop/user:1')
    expect(found([other, pods('a', both, container('b'))], { containerName: 'app' })).toEqual(['a/app'])
    expect(found([pods('a', container('b')), pods('c', container('app'))], { containerName: 'app' })).toEqual(['c/app'])
  })

  it.each(['accounts', 'Deployment/accounts'])('finds the workload that it is told, by %s', (workloadName) => {
    expect(found([other, pods('accounts', container('app'))], { workloadName })).toEqual(['accounts/app'])
    expect(found([other, pods('accounts', container('app'))], { workloadName, isLive: true })).toEqual(['accounts/app'])
  })

  it.each([
    [
      [other, pods('a', container('app'))],
      { containerName: 'app' },
      'Deployment/bill, Deployment/a have a container app; name the one that runs user: --workload <name>',
    ],
    [[other], { workloadName: 'accounts' }, 'there is no workload accounts among Deployment/bill'],
    [[], {}, 'found no Deployment, StatefulSet or DaemonSet'],
    [
      [other, pods('a', container('app'))],
      {},
      'none of Deployment/bill, Deployment/a runs user, by the name of a container, an image or its own; name the workload: --workload <name>',
    ],
    [[other], { isLive: true }, 'none of Deployment/bill runs user'],
    [[pods('user', container('app'), container('b'))], {}, 'Deployment/user has the containers app, b'],
    [[pods('user')], {}, 'Deployment/user has the containers (none)'],
  ])('says what is missing: %j %j', (texts, search, message) => {
    expect(() => found(texts, search)).toThrow(UsageError)
    expect(() => found(texts, search)).toThrow(message)
  })
})
