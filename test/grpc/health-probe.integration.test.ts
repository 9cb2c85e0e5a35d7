import { tmpdir } from 'node:os'
import { eventually } from '@tenon/testing'
import { describe, expect, test } from 'vitest'
import { runTool, toolAbsence } from '../support/tool.ts'
import { startPeerService } from './peer-service.ts'

const absence = toolAbsence('grpc-health-probe')

/** @see grpc-health-probe: 2 means no connection, 3 that the call failed, 4 that the service does not serve */
const probed = { ok: 0, failed: 3, unhealthy: 4 } as const

describe.skipIf(absence)(`grpc-health-probe${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('finds the server and each service well, and unwell from the first moment of a drain', async ({ signal }) => {
    await using peer = await startPeerService({ deregisterDelayMs: 2_000 })
    const probe = (...args: string[]) =>
      runTool(['grpc-health-probe', `-addr=${peer.address}`, ...args], { folder: tmpdir(), signal })
    const server = await probe()
    expect(server, server.output).toMatchObject({ code: probed.ok })
    expect(server.output).toContain('status: SERVING')
    expect(await probe('-service=test.peer.v1.PeerService')).toMatchObject({ code: probed.ok })
    const unknown = await probe('-service=test.peer.v1.Other')
    expect(unknown).toMatchObject({ code: probed.failed })
    expect(unknown.output).toMatch(/NotFound|unknown service/)
    const stopped = peer.stop()
    await eventually(async () => expect(await probe()).toMatchObject({ code: probed.unhealthy }))
    const one = await probe('-service=test.peer.v1.PeerService')
    expect(one).toMatchObject({ code: probed.unhealthy })
    expect(one.output).toContain('NOT_SERVING')
    await stopped
  })
})
