import { metrics, type MeterProvider } from '@opentelemetry/api'
import { afterEach, describe, expect, it } from 'vitest'
import { backend, goodput, mixed, SimulatedLoop, type Stream, successShare } from './simulated-loop.test-harness.ts'

const calls = (part: Partial<Stream>): Stream => ({
  criticality: 'critical',
  tenant: 't',
  callsPerSecond: 100,
  fromMs: 0,
  untilMs: 10_000,
  ...part,
})

describe('a service whose calls compute 2 ms each, so that it can do some 480 a second', () => {
  const capacity = 480
  const computing = () => new SimulatedLoop({ computesMs: 2 })

  it('refuses none of what it can do', async () => {
    const loop = computing()
    await loop.run([calls({ callsPerSecond: 0.9 * capacity })], 11_000)
    expect(successShare(loop.ended)).toBe(1)
    expect([loop.pressures, loop.lines]).toEqual([[], []])
  })

  it('at three times of that does nearly as much, the critical first, and refuses nobody soon after', async () => {
    const loop = computing()
    const burst = mixed(3 * capacity, 1_000, 11_000)
    await loop.run([...burst, calls({ callsPerSecond: 0.8 * capacity, fromMs: 11_000, untilMs: 16_000 })], 17_000)
    expect(goodput(loop.ended, 2_000, 11_000)).toBeGreaterThanOrEqual(0.9 * capacity)
    const during = loop.ended.filter(({ cameAtMs }) => cameAtMs < 11_000)
    const shares = burst.map((one) => successShare(during, (stream) => stream === one))
    // A quarter of three times the capacity is 0.75 of it: the first quarter has its place, the second what is left of it.
    expect(shares[0]).toBeGreaterThanOrEqual(0.99)
    expect(shares[1]).toBeGreaterThan(0.1)
    expect(shares[1]).toBeLessThan(0.5)
    expect(shares.slice(2).every((share) => share < 0.02)).toBe(true)
    const after = loop.ended.filter(({ cameAtMs, end }) => cameAtMs >= 11_000 && end === 'refused')
    expect(after.every(({ cameAtMs }) => cameAtMs < 11_500)).toBe(true)
  })

  it('lets no call wait longer than twice the delay that is asked for, and refuses at once', async () => {
    const loop = computing()
    await loop.run(mixed(3 * capacity, 0, 5_000), 6_000)
    // A look at who waits comes every 100 ms.
    expect(Math.max(...loop.ended.map(({ tookMs }) => tookMs))).toBeLessThan(320)
    const refused = loop.ended.filter(({ end }) => end === 'refused').map(({ tookMs }) => tookMs)
    expect(refused.toSorted((one, other) => one - other)[Math.floor(refused.length / 2)]).toBeLessThan(50)
  })

  it('gives tenants equal shares, whatever one of them asks for', async () => {
    const loop = computing()
    const loud = calls({ tenant: 'loud', callsPerSecond: 2.5 * capacity })
    const quiet = calls({ tenant: 'quiet', callsPerSecond: 0.45 * capacity })
    await loop.run([loud, quiet], 11_000)
    expect(successShare(loop.ended, (stream) => stream === quiet)).toBeGreaterThan(0.98)
    expect(successShare(loop.ended, (stream) => stream === loud)).toBeLessThan(0.25)
  })

  it('tells of each change once, in the log and to transports', async () => {
    const loop = computing()
    await loop.run(mixed(3 * capacity, 0, 5_000), 10_000)
    expect(loop.lines).toEqual([
      'more calls come than can be done: the least critical are refused',
      'calls are refused no more',
    ])
    expect(loop.pressures).toEqual(['high', 'normal'])
    expect(loop.control.info).toMatchObject({ state: 'normal', runningCount: 0, waitingCount: 0 })
    const refusedCount = loop.ended.filter(({ end }) => end === 'refused').length
    expect(Object.values(loop.control.info.refusedCounts).reduce((sum, count) => sum + count, 0)).toBe(refusedCount)
  })

  it('does not take it for the end of too many calls that the process stood still', async () => {
    const loop = computing()
    for (const atMs of [2_000, 3_000, 4_000]) loop.at(atMs, () => loop.compute(1_500))
    await loop.run(mixed(3 * capacity, 0, 8_000), 8_000)
    expect([loop.pressures, loop.lines.length]).toEqual([['high'], 1])
  })

  it('refuses no message, and handles those that it has while calls are refused', async () => {
    const loop = computing()
    const handledAt: number[] = []
    loop.at(2_000, () => {
      for (let index = 0; index < 16; index += 1)
        loop.deliver(() => {
          loop.compute(2)
          handledAt.push(loop.nowMs)
        })
    })
    await loop.run(mixed(3 * capacity, 0, 5_000), 6_000)
    expect(handledAt).toHaveLength(16)
    expect(Math.max(...handledAt)).toBeLessThan(3_000)
    expect(loop.lines).not.toContain('a message was refused')
  })

  it('lets transports go on when the service drains', async () => {
    const loop = computing()
    loop.at(2_000, () => loop.drain())
    await loop.run(mixed(3 * capacity, 0, 5_000), 3_000)
    expect(loop.pressures).toEqual(['high', 'normal'])
  })
})

describe.each([
  { protocol: 'HTTP', wire: { restMs: 0.04 } },
  { protocol: 'gRPC', wire: { headMs: 0.035, restMs: 0.075 } },
])('a service whose calls compute 1 ms each, over $protocol as it costs a core', ({ wire }) => {
  const capacity = 1_000 / (1 + (wire.headMs ?? 0) + wire.restMs)
  /** A tenth is critical; of the others one tenant has twice as many as the other. */
  const burst = [
    calls({ criticality: 'critical', callsPerSecond: 0.3 * capacity }),
    calls({ criticality: 'sheddable', tenant: 'loud', callsPerSecond: 1.8 * capacity }),
    calls({ criticality: 'sheddable', tenant: 'quiet', callsPerSecond: 0.9 * capacity }),
  ]

  it('does nine tenths of its most at three times of that, loses no critical call, and refuses nobody as soon as it is over', async () => {
    const loop = new SimulatedLoop({ computesMs: 1 }, wire)
    const usual = calls({ callsPerSecond: 0.9 * capacity, fromMs: 10_000, untilMs: 16_000 })
    await loop.run([...burst, usual], 17_000)
    expect(goodput(loop.ended, 1_000, 10_000)).toBeGreaterThanOrEqual(0.9 * capacity)
    expect(successShare(loop.ended, (stream) => stream === burst[0])).toBeGreaterThanOrEqual(0.99)
    const late = loop.ended.filter(({ stream, cameAtMs }) => stream === usual && cameAtMs >= 10_500)
    expect([late.length > 1_000, successShare(late)]).toEqual([true, 1])
    expect(Math.max(...late.map(({ tookMs }) => tookMs))).toBeLessThan(200)
  })

  it('does so of what it gets where something else has the thread every other tenth of a second, and all that came is read in one go', async () => {
    const loop = new SimulatedLoop({ computesMs: 1 }, wire)
    for (let atMs = 100; atMs < 10_000; atMs += 200) loop.at(atMs, () => loop.compute(100))
    const halved = burst.map((stream) => ({ ...stream, callsPerSecond: stream.callsPerSecond / 2 }))
    await loop.run(halved, 10_000)
    expect(goodput(loop.ended, 1_000, 10_000)).toBeGreaterThanOrEqual((0.9 * capacity) / 2)
    expect(successShare(loop.ended, (stream) => stream === halved[0])).toBeGreaterThanOrEqual(0.99)
    const [, loud, quiet] = halved.map((one) => loop.ended.filter(({ stream, end }) => stream === one && end === 'ok'))
    expect((quiet?.length ?? 0) / (loud?.length ?? 0)).toBeGreaterThan(0.95)
  })

  it('loses no critical call of those that came while something else had the thread for 300 ms of each half second', async () => {
    const loop = new SimulatedLoop({ computesMs: 1 }, wire)
    for (let atMs = 100; atMs < 10_000; atMs += 500) loop.at(atMs, () => loop.compute(300))
    const fewer = burst.map((stream) => ({ ...stream, callsPerSecond: 0.4 * stream.callsPerSecond }))
    await loop.run(fewer, 10_000)
    expect(successShare(loop.ended, (stream) => stream === fewer[0])).toBeGreaterThanOrEqual(0.99)
    expect(goodput(loop.ended, 1_000, 10_000)).toBeGreaterThanOrEqual(0.9 * 0.4 * capacity)
  })

  it('gives both tenants as much of it', async () => {
    const loop = new SimulatedLoop({ computesMs: 1 }, wire)
    await loop.run(burst, 10_000)
    const [, loud, quiet] = burst.map((one) => loop.ended.filter(({ stream, end }) => stream === one && end === 'ok'))
    expect((quiet?.length ?? 0) / (loud?.length ?? 0)).toBeGreaterThan(0.95)
  })
})

it('leaves their turns to calls that need more than one each, while it handles messages', async () => {
  const loop = new SimulatedLoop({ computesMs: 8 })
  let handledCount = 0
  // As many at a time as a consumer has places, and always more.
  const deliver = () =>
    loop.deliver(() => {
      loop.compute(8)
      handledCount += 1
      loop.at(loop.nowMs, deliver)
    })
  for (let index = 0; index < 16; index += 1) loop.at(0, deliver)
  await loop.run([calls({ callsPerSecond: 60, untilMs: 8_000 })], 9_000)
  expect(successShare(loop.ended)).toBe(1)
  expect(handledCount).toBeGreaterThan(300)
})

describe('a service that waits for a backend that serves 20 at a time for 40 ms each, 500 a second', () => {
  const capacity = 500
  const waiting = () => new SimulatedLoop({ computesMs: 0.05, endsAtMs: backend(20, 40) })
  /** Time to learn what calls take. */
  const usual = calls({ callsPerSecond: 0.6 * capacity, untilMs: 5_000 })

  it('lets no more run at a time than the backend serves well, and loses little by that', async () => {
    const loop = waiting()
    await loop.run([usual, ...mixed(3 * capacity, 5_000, 15_000)], 16_000)
    expect(goodput(loop.ended, 7_000, 15_000)).toBeGreaterThanOrEqual(0.9 * capacity)
    const late = loop.ended.filter(({ cameAtMs, end }) => cameAtMs > 7_000 && end === 'ok')
    expect(Math.max(...late.map(({ tookMs }) => tookMs))).toBeLessThan(500)
    const critical = late.length / loop.ended.filter(({ cameAtMs }) => cameAtMs > 7_000).length
    expect(critical).toBeLessThan(0.4)
    expect(
      successShare(
        loop.ended.filter(({ cameAtMs }) => cameAtMs > 7_000),
        ({ criticality }) => criticality === 'critical_plus',
      ),
    ).toBeGreaterThanOrEqual(0.99)
  })

  it('refuses nobody half a second after the backend serves as before', async () => {
    let serve = backend(20, 40)
    const loop = new SimulatedLoop({ computesMs: 0.05, endsAtMs: (nowMs) => serve(nowMs) })
    loop.at(5_000, () => (serve = backend(2, 40)))
    loop.at(10_000, () => (serve = backend(20, 40)))
    await loop.run([calls({ callsPerSecond: 0.8 * capacity, untilMs: 15_000 })], 16_000)
    const refusedAt = loop.ended.filter(({ end }) => end === 'refused').map(({ cameAtMs }) => cameAtMs)
    expect(Math.min(...refusedAt)).toBeGreaterThan(5_000)
    expect(Math.max(...refusedAt)).toBeLessThan(10_500)
  })

  it('learns that calls take longer from now on, where that is not for the number of them', async () => {
    let serve = backend(1_000, 40)
    const loop = new SimulatedLoop({ computesMs: 0.05, endsAtMs: (nowMs) => serve(nowMs) })
    loop.at(5_000, () => (serve = backend(1_000, 400)))
    await loop.run([calls({ callsPerSecond: capacity, untilMs: 30_000 })], 31_000)
    const last = loop.ended.filter(({ cameAtMs }) => cameAtMs > 20_000)
    expect(successShare(last)).toBeGreaterThan(0.99)
  })

  it('holds back consumers as long as calls are refused, also where hardly any call begins', async () => {
    const loop = new SimulatedLoop({ computesMs: 0.05, endsAtMs: (nowMs) => nowMs + 4_000 })
    await loop.run([calls({ callsPerSecond: 2_000, untilMs: 10_000 })], 10_000)
    expect(loop.pressures).toEqual(['high'])
  })

  it('lets only so many wait as a thread can begin where none gets its turn', async () => {
    const loop = new SimulatedLoop({ computesMs: 0, endsAtMs: () => Number.POSITIVE_INFINITY }, { restMs: 0 })
    await loop.run([calls({ callsPerSecond: 20_000, untilMs: 150 })], 90)
    expect(loop.control.info).toMatchObject({ runningCount: 200, waitingCount: 1_000 })
  })

  it('refuses all in time when nothing comes back', async () => {
    const loop = new SimulatedLoop({ computesMs: 0.05, endsAtMs: () => Number.POSITIVE_INFINITY })
    await loop.run([calls({ callsPerSecond: capacity, untilMs: 5_000 })], 6_000)
    const { runningCount, waitingCount } = loop.control.info
    expect({ runningCount, waitingCount }).toEqual({ runningCount: 200, waitingCount: 0 })
    expect(Math.max(...loop.ended.map(({ tookMs }) => tookMs))).toBeLessThan(320)
  })
})

it('holds back calls that compute only when they have begun', async () => {
  // Some 190 a second, and only what has begun already computes.
  const loop = new SimulatedLoop({ computesMs: 0.05, computesLaterMs: 5, endsAtMs: (nowMs) => nowMs + 20 })
  await loop.run(mixed(3 * 190, 0, 10_000), 12_000)
  const late = loop.ended.filter(({ cameAtMs, end }) => cameAtMs > 2_000 && end === 'ok')
  expect(Math.max(...late.map(({ tookMs }) => tookMs))).toBeLessThan(700)
  expect(goodput(loop.ended, 2_000, 10_000)).toBeGreaterThanOrEqual(0.9 * 190)
})

describe('metrics', () => {
  afterEach(() => metrics.disable())

  it('are told of each refused call once', async () => {
    let toldCount = 0
    const createGauge = () => ({ record: () => undefined })
    const createCounter = () => ({ add: (count: number) => (toldCount += count) })
    metrics.setGlobalMeterProvider({ getMeter: () => ({ createGauge, createCounter }) } as unknown as MeterProvider)
    const loop = new SimulatedLoop({ computesMs: 2 })
    await loop.run([calls({ callsPerSecond: 1_500, untilMs: 2_000 })], 5_000)
    const refusedCount = loop.ended.filter(({ end }) => end === 'refused').length
    expect(refusedCount).toBeGreaterThan(100)
    expect(toldCount).toBe(refusedCount)
  })

  /** What is told of calls that wait, and when. */
  function toldOfWaiting(loop: SimulatedLoop) {
    const told: { readonly atMs: number; readonly count: number }[] = []
    const createGauge = (name: string) => ({
      record: (count: number) => name === 'tenon.overload.waiting_calls' && told.push({ atMs: loop.nowMs, count }),
    })
    const createCounter = () => ({ add: () => undefined })
    metrics.setGlobalMeterProvider({ getMeter: () => ({ createGauge, createCounter }) } as unknown as MeterProvider)
    return told
  }

  it('are told at once that no call waits any more where the service drains, for it may be gone at the next look', async () => {
    const loop = new SimulatedLoop({ computesMs: 2 })
    const told = toldOfWaiting(loop)
    loop.at(1_050, () => loop.drain())
    await loop.run([calls({ callsPerSecond: 1_500, untilMs: 1_050 })], 2_000)
    const endedAtMs = Math.max(...loop.ended.map(({ cameAtMs, tookMs }) => cameAtMs + tookMs))
    expect(told.findLast(({ atMs }) => atMs <= 1_050)?.count).toBeGreaterThan(0)
    expect(told.find(({ atMs, count }) => atMs > 1_050 && count === 0)?.atMs).toBeLessThanOrEqual(endedAtMs)
  })

  it('are told so too where the last that waits is cut', async () => {
    const loop = new SimulatedLoop({ computesMs: 0, endsAtMs: (nowMs) => nowMs + 10_000 })
    const told = toldOfWaiting(loop)
    const nothing = () => undefined
    const call = {
      operation: 'work',
      transport: 'http',
      rank: 1,
      tenant: '',
      holdsPlace: true,
      isPatient: false,
      startedAtMs: 300,
    }
    const last = { ...call, waits: nothing, begin: nothing, refuse: nothing }
    loop.at(300, () => loop.control.wait(last))
    loop.at(450, () => {
      expect(told.at(-1)?.count).toBe(1)
      loop.drain()
      loop.control.forget(last)
      expect(told.at(-1)).toEqual({ atMs: loop.nowMs, count: 0 })
    })
    await loop.run([calls({ callsPerSecond: 1_000, untilMs: 200 })], 500)
    expect(told.at(-1)?.count).toBe(0)
  })
})
