import { test } from 'vitest'
import { consulAbsence, OwnConsul } from '../../packages/registry-consul/src/own-consul.test-harness.ts'
import { callThroughFaults } from './healthy-calls.ts'
import { UserFleet } from './user-fleet.ts'

// It takes minutes, since who is announced takes calls for some seconds more when it goes.
const absence = process.env['TENON_CALLS'] === 'all' ? consulAbsence : 'TENON_CALLS is not all'
const extent = { perSecond: 40, rollCount: 2, frozenSeconds: 10, randomCount: 10, waitsForAll: true }

test.skipIf(absence !== undefined)(
  `no call of instances that are found by Consul fails that may be made again${absence === undefined ? '' : ` (${absence})`}`,
  { timeout: 1_200_000 },
  async () => {
    await using consul = await OwnConsul.start()
    await using fleet = await UserFleet.start(5, { CONSUL_ADDRESS: consul.address })
    const place = { at: () => 'registry:///user', consulAddress: consul.address }
    process.stdout.write(await callThroughFaults(fleet, place, extent))
  },
)
