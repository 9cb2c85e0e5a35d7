import { check, defineService } from '@tenon/core'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { diagnose } from '../../packages/cli/src/doctor/diagnose.ts'
import { parseManifests } from '../../packages/cli/src/doctor/manifest/parse-manifests.ts'
import { manifests } from '../../packages/cli/src/generate/kubernetes/manifests.ts'
import { greetingHandler } from './fixture/greeting.ts'

const timeMs = fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 600_000 }))

/** Services with budgets, checks and transports of all kinds, as their users write them. */
const service = fc
  .record({
    shutdownTimeoutMs: timeMs,
    startTimeoutMs: timeMs,
    waits: fc.boolean(),
    listens: fc.subarray(['http', 'grpc']),
    interval: fc.record({
      intervalMs: fc.integer({ min: 100, max: 60_000 }),
      timeoutMs: fc.integer({ min: 100, max: 30_000 }),
    }),
    maxConcurrentCalls: fc.integer({ min: 1, max: 10_000 }),
  })
  .map(({ waits, listens, interval, ...limits }) =>
    defineService({
      name: 'sound',
      version: '1.0.0',
      handlers: listens.includes('http') ? [greetingHandler] : [],
      checks: [check('db', () => undefined, { affects: 'readiness', ...interval })],
      transports: () => [
        ...(listens.includes('http') ? [httpTransport({ port: 3000 })] : []),
        ...(listens.includes('grpc') ? [grpcTransport({ port: 50_051 })] : []),
      ],
      ...limits,
      ...(waits ? {} : { deregisterDelayMs: 0 }),
    }),
  )

test('tenon doctor finds nothing wrong with what tenon generate has made, whatever the service is like', async () => {
  await fc.assert(
    fc.asyncProperty(service, async (one) => {
      const describe = async (environment: Readonly<Record<string, string>>) =>
        // As in an image.
        one.describe({ environment: { NODE_ENV: 'production', TENON_HOST: '0.0.0.0', ...environment } })
      const description = await describe({})
      const overlays = [{ name: 'production', description, config: {}, secrets: {} }]
      const { files } = manifests({ overlays, options: { replicas: { min: 2, max: 6 } } })
      const objects = files.filter(({ path }) => path.endsWith('.yaml') && !path.endsWith('kustomization.yaml'))
      const found = await diagnose({
        describe,
        manifests: objects.flatMap(({ text, path }) => parseManifests(text, path)),
        isLive: false,
      })
      expect(found).toEqual({ service: 'sound', workloads: ['Deployment/sound'], findings: [] })
    }),
    { numRuns: 50 },
  )
})
