import { eventually } from '@tenon/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusterAbsence } from '../support/cluster.ts'
import { requireServers } from './servers.ts'
import { blockEventLoop } from './block-event-loop.ts'
import { loadImages } from './images.ts'
import { kubectl, type Namespace } from './kubectl.ts'
import { restartCount } from './pod.ts'
import { ShopCluster } from './shop-cluster.ts'
import { requireNoFailure, ShopCallers, ShopLoad } from './shop-load.ts'

const absence = process.env['TENON_CLUSTER'] === 'all' ? clusterAbsence() : 'minutes, without TENON_CLUSTER=all'

describe.skipIf(absence)(`what a cluster does with the services${absence ? ` (skipped: ${absence})` : ''}`, () => {
  let cluster: ShopCluster
  beforeAll(async () => {
    await loadImages()
    cluster = await ShopCluster.open(requireServers())
  }, 600_000)
  afterAll(async () => cluster?.[Symbol.asyncDispose](), 180_000)

  test('restarts a pod whose event loop is blocked, by liveness', { timeout: 300_000 }, async () => {
    const [pod] = await cluster.settled('user')
    if (pod === undefined) throw new Error('there is no pod')
    await blockEventLoop(cluster.namespace, pod.metadata.name)
    await eventually(
      async () => {
        const found = (await cluster.pods('user')).find(({ metadata }) => metadata.name === pod.metadata.name)
        expect(found && restartCount(found)).toBe(1)
      },
      { timeoutMs: 180_000, intervalMs: 1_000 },
    )
    const events = await cluster.namespace.run([
      'get',
      'events',
      '--field-selector',
      `involvedObject.name=${pod.metadata.name}`,
    ])
    expect(events).toContain('Liveness probe failed')
    await cluster.settled('user')
  })

  test('leads nobody to pods whose database is gone, and restarts none of them', { timeout: 900_000 }, async () => {
    await eventually(async () => expect(await cluster.endpoints('user')).toHaveLength(2), { timeoutMs: 60_000 })
    const before = (await cluster.pods('user')).map(restartCount)
    await cluster.database.shut()
    await eventually(async () => expect(await cluster.endpoints('user')).toEqual([]), {
      timeoutMs: 120_000,
      intervalMs: 500,
    })
    // So long that a liveness probe which asked for the database would have ended the pods.
    for (const pod of await cluster.pods('user'))
      await eventually(
        async () =>
          expect(await unreadyCount(cluster.namespace, pod.metadata.name)).toBeGreaterThanOrEqual(unreadyProbeCount),
        { timeoutMs: 300_000, intervalMs: 1_000 },
      )
    await cluster.database.reopen()
    await eventually(async () => expect(await cluster.endpoints('user')).toHaveLength(2), {
      timeoutMs: 120_000,
      intervalMs: 500,
    })
    expect((await cluster.pods('user')).map(restartCount)).toEqual(before)
    await cluster.settled('order')
  })

  test('goes back to the version before without a failed call', { timeout: 600_000 }, async () => {
    await using callers = new ShopCallers(cluster.places)
    await using load = new ShopLoad(callers, 20)
    await load.start(5)
    const log = () =>
      cluster.namespace.read('deployment/user', '.spec.template.spec.containers[0].env[?(@.name=="LOG_LEVEL")].value')
    await cluster.namespace.run(['set', 'env', 'deployment/user', 'LOG_LEVEL=warn'])
    await cluster.rolledOut('user')
    expect(await log()).toBe('warn')
    await cluster.namespace.run(['rollout', 'undo', 'deployment/user'])
    await cluster.rolledOut('user')
    expect(await log()).toBe('')
    await cluster.settled('user')
    requireNoFailure(await load.finish())
  })

  test('evicts one pod at a time', { timeout: 300_000 }, async () => {
    const [first, second] = await cluster.settled('user')
    if (first === undefined || second === undefined) throw new Error('there are no two pods')
    const evict = ({ metadata: { name } }: typeof first) => {
      const path = `/api/v1/namespaces/${cluster.namespace.name}/pods/${name}/eviction`
      const eviction = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace: cluster.namespace.name },
      }
      return kubectl(['create', '--raw', path, '-f', '-'], { input: JSON.stringify(eviction) })
    }
    await evict(first)
    await expect(evict(second)).rejects.toThrow("would violate the pod's disruption budget")
    await cluster.settled('user')
    await evict(second)
    await cluster.settled('user')
  })

  test('scales from one pod to three under load and back, without a failed call', { timeout: 1_200_000 }, async () => {
    await using callers = new ShopCallers(cluster.places)
    // A fifth of what is generated: callers and pods share a machine of two cores.
    const metric = { name: 'cpu', target: { type: 'AverageValue', averageValue: '100m' } }
    const patch = {
      spec: {
        minReplicas: 1,
        maxReplicas: 3,
        metrics: [{ type: 'Resource', resource: metric }],
        behavior: { scaleDown: { stabilizationWindowSeconds: 20 } },
      },
    }
    await cluster.namespace.run(['patch', 'hpa', 'user', '-p', JSON.stringify(patch)])
    await cluster.settled('user', 1)
    await using calm = new ShopLoad(callers, 10)
    await calm.start(5)
    await using heavy = new ShopLoad(callers, 250)
    await heavy.start(5)
    const replicas = async () => Number(await cluster.namespace.read('deployment/user', '.spec.replicas'))
    await eventually(async () => expect(await replicas()).toBe(3), { timeoutMs: 300_000, intervalMs: 1_000 })
    await cluster.settled('user', 3)
    const under = await heavy.finish()
    await eventually(async () => expect(await replicas()).toBe(1), { timeoutMs: 600_000, intervalMs: 1_000 })
    await cluster.settled('user', 1)
    const beside = await calm.finish()
    for (const outcome of [under, beside]) requireNoFailure(outcome)
  })
})

/** With a probe every 5 s more than two minutes: longer than the grace period of a check and all that liveness forgives. */
const unreadyProbeCount = 25

/** How many probes a pod has answered that it is not ready. */
async function unreadyCount(namespace: Namespace, pod: string): Promise<number> {
  const selector = `involvedObject.name=${pod},reason=Unhealthy`
  const events = await namespace.list<{ readonly message: string; readonly count?: number }>([
    'events',
    `--field-selector=${selector}`,
  ])
  const ofReadiness = events.filter(({ message }) => message.startsWith('Readiness probe failed'))
  return ofReadiness.reduce((sum, { count = 1 }) => sum + count, 0)
}
