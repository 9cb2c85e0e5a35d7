import { service as order } from '@shop/order-service'
import { service as user } from '@shop/user-service'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { diagnose } from '../../packages/cli/src/doctor/diagnose.ts'
import { kubectl } from '../../packages/cli/src/doctor/manifest/kubectl.ts'
import { parseManifests } from '../../packages/cli/src/doctor/manifest/parse-manifests.ts'
import { toolAbsence } from '../support/tool.ts'

const absence = toolAbsence('kubectl')
const deployed = join(import.meta.dirname, '../../examples/user-order/deploy/kubernetes')
const overlays = [user, order].flatMap((service) =>
  readdirSync(join(deployed, service.name, 'overlays')).map((name) => [service.name, name, service] as const),
)

async function rulesFound(service: typeof user | typeof order, built: string) {
  const { findings } = await diagnose({
    isLive: false,
    manifests: parseManifests(built, 'kubectl kustomize'),
    describe: async (environment) => service.describe({ environment: { TENON_HOST: '0.0.0.0', ...environment } }),
  })
  return findings.map(({ rule, object }) => `${rule} ${object}`)
}

describe.skipIf(absence)(
  `tenon doctor and the manifests of the example${absence ? ` (skipped: ${absence})` : ''}`,
  () => {
    test.each(overlays)('finds nothing in %s, %s', async (name, overlay, service) => {
      expect(await rulesFound(service, await kubectl('kustomize', join(deployed, name, 'overlays', overlay)))).toEqual(
        [],
      )
    })

    test('finds what somebody changed in them', async () => {
      const built = await kubectl('kustomize', join(deployed, 'user/overlays/production'))
      const changed = built
        .replace('path: /readyz', 'path: /livez')
        .replace(/(?<=terminationGracePeriodSeconds: )\d+/, '9')
      expect(await rulesFound(user, changed)).toEqual(
        expect.arrayContaining(['grace-too-short Deployment/user', 'readiness-asks-other Deployment/user']),
      )
    })
  },
)
