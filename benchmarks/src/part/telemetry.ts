import { httpServerConvention } from '@tenon/core/telemetry'
import { observeArrival } from '../../../packages/core/src/telemetry/observed-arrival.ts'
import type { Figure } from '../figure.ts'
import { registerSdk } from '../server/sampling-sdk.ts'
import { spreadOf } from '../statistic.ts'
import { perCall, startShop } from './dispatch.ts'
import { measureTelemetryOverHttp } from './telemetry-http.ts'

const askCount = 10_000_000

/** What a call pays for telemetry: without an SDK, and with one that keeps a span in a hundred and all durations. */
export async function measureTelemetry(roundCount: number): Promise<readonly Figure[]> {
  await using shop = await startShop([])
  const call = () => shop.dispatch(told)
  const asking: number[] = []
  const observing: number[] = []
  for (let round = 0; round <= roundCount; round++) {
    const asked = perQuestion()
    const without = await perCall(call)
    using _sdk = registerSdk()
    const withSdk = await perCall(call)
    // The first round warms up.
    if (round === 0) continue
    asking.push(asked)
    observing.push(withSdk - without)
  }
  return [
    { name: 'telemetry, a call without an SDK', unit: 'ns', spread: spreadOf(asking), target: 100 },
    {
      name: 'telemetry, a call with spans (1 %) and durations',
      unit: 'ns',
      spread: spreadOf(observing),
      target: 8_000,
    },
    ...(await measureTelemetryOverHttp(roundCount)),
  ]
}

/** As a request over HTTP has it. */
const told = {
  convention: httpServerConvention({
    method: 'GET',
    route: '/v1/users/:userId',
    scheme: 'http',
    status: 200,
    statusOf: () => 500,
  }),
  spanAttributes: () => ({ 'url.path': '/v1/users/u42', 'client.address': '10.0.0.7' }),
}

/** What the dispatcher asks for each call. */
function perQuestion(): number {
  const arrival = { transport: 'bench', metadata: {}, ...told }
  let observedCount = 0
  const startedAt = process.hrtime.bigint()
  for (let index = 0; index < askCount; index++) if (observeArrival(arrival, 'shop.getUser')) observedCount += 1
  const ns = Number(process.hrtime.bigint() - startedAt) / askCount
  if (observedCount > 0) throw new Error('an SDK is registered')
  return ns
}
