import { fakeClock } from '@tenon/testing'
import { memoryBroker, memoryDriver, type QueueDriver } from '@tenon/transport-queue'
import { failingDriver, refusingDriver } from './failing-driver.ts'
import { overrunFromMs, type Scenario } from './scenario.ts'
import type { World } from './world.ts'

/** The memory broker on a clock that moves only when it is told to: the same scenario is the same run, to the last step. */
export function memoryWorld({ faults, partitionCount, readFailurePercent }: Scenario): World {
  const clock = fakeClock({ now: '2026-01-01' })
  const broker = memoryBroker({
    partitionCount,
    revokeTimeoutMs: 1_000,
    faults: {
      seed: faults.seed,
      produceFailureRatio: faults.produceFailurePercent / 100,
      commitFailureRatio: faults.commitFailurePercent / 100,
      maxLatencyMs: faults.maxLatencyMs,
    },
  })
  const inner = new Map<QueueDriver, QueueDriver>()
  const evict = (driver: QueueDriver, noticedAfterMs: number) =>
    broker.evict(inner.get(driver) ?? driver, { noticedAfterMs })
  return {
    // Of the clock of the model: requests that fail by chance are tried again every five seconds, and may fail many times. Several messages of a key may wait for long.
    patienceMs: 600_000,
    maxHandlerMs: overrunFromMs,
    open: async () => {
      const driver = memoryDriver({ broker })
      const seed = faults.seed + inner.size
      // What else fails does so at the broker.
      const ownFaults = { produceFailurePercent: 0, commitFailurePercent: 0, maxLatencyMs: 0, seed, readFailurePercent }
      const refusing = refusingDriver(failingDriver(driver, ownFaults), { ...faults, seed })
      inner.set(refusing, driver)
      return refusing
    },
    stopBroker: () => broker.stop(),
    startBroker: () => broker.start(),
    kill: (driver) => evict(driver, Number.POSITIVE_INFINITY),
    evict,
    pass: (durationMs) => clock.advance(durationMs),
    [Symbol.asyncDispose]: async () => clock[Symbol.dispose](),
  }
}
