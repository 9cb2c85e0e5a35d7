import { fakeClock } from '@tenon/testing'
import { memoryBroker, memoryDriver } from '@tenon/transport-queue'
import { overrunFromMs, type Scenario } from './scenario.ts'
import type { World } from './world.ts'

/** The memory broker on a clock that moves only when it is told to: the same scenario is the same run, to the last step. */
export function memoryWorld({ faults, partitionCount }: Scenario): World {
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
  return {
    patienceMs: 60_000,
    maxHandlerMs: overrunFromMs,
    open: async () => memoryDriver({ broker }),
    stopBroker: () => broker.stop(),
    startBroker: () => broker.start(),
    kill: (driver) => broker.evict(driver, { noticedAfterMs: Number.POSITIVE_INFINITY }),
    evict: (driver, noticedAfterMs) => broker.evict(driver, { noticedAfterMs }),
    pass: (durationMs) => clock.advance(durationMs),
    [Symbol.asyncDispose]: async () => clock[Symbol.dispose](),
  }
}
