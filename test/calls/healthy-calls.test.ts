import { test } from 'vitest'
import { callThroughFaults, type Extent } from './healthy-calls.ts'
import { UserFleet } from './user-fleet.ts'

const isLong = process.env['TENON_CALLS'] === 'all'
const extent: Extent = isLong
  ? {
      perSecond: 40,
      rollCount: Number(process.env['TENON_CALL_ROLLS'] ?? 20),
      frozenSeconds: 10,
      randomCount: Number(process.env['TENON_CALL_FAULTS'] ?? 40),
      waitsForAll: true,
    }
  : { perSecond: 15, rollCount: 1, frozenSeconds: 3, randomCount: 0, waitsForAll: false }

test('no call fails that may be made again while instances are restarted, frozen and killed', {
  timeout: isLong ? 1_200_000 : 180_000,
}, async () => {
  await using fleet = await UserFleet.start(5)
  const at = (protocol: string) => `static:///${fleet.at(protocol).join(',')}`
  const table = await callThroughFaults(fleet, { at }, extent)
  if (isLong) process.stdout.write(table)
})
