import { registryConformance } from '@tenon/testing/registry'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { etcdHarness } from './etcd-registry.test-harness.ts'
import { etcdAbsence, EtcdServer } from './etcd-server.test-harness.ts'

describe.skipIf(etcdAbsence)(`a registry in etcd${etcdAbsence ? ` (skipped: ${etcdAbsence})` : ''}`, () => {
  let server: EtcdServer
  beforeAll(async () => {
    server = await EtcdServer.start()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  registryConformance(
    etcdHarness(() => server),
    test,
  )
})
