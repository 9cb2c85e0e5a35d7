import { connectionsOf } from '../../client/connections.ts'
import { type HealthCheckSettings, resolveHealthCheck } from '../../handler/check-settings.ts'
import type { HealthCheck } from '../../handler/check.ts'
import { inject } from '../../handler/inject.ts'
import type { RemoteFacts, Token } from '../../handler/provider.ts'
import type { ServicePlan } from '../plan-service.ts'
import { processChecks } from './process-checks.ts'
import type { Check } from './watched-check.ts'

/** What was made of the plan: the container, as checks see it. */
export interface MadeValues {
  readonly provided: readonly {
    readonly name: string
    readonly check: Check['run'] | undefined
    readonly checkSettings: HealthCheckSettings | undefined
  }[]
  construct<Result>(name: string, make: () => Result): Result
  valueFor(token: Token): unknown
}

/** All checks of one start: those of its providers, its own, what its remotes are like, and the process. */
export function openChecks({ checks, providers }: ServicePlan, values: MadeValues): readonly Check[] {
  return [
    ...values.provided.flatMap(({ name, check, checkSettings = defaultSettings }) =>
      check ? [{ name, settings: checkSettings, run: check }] : [],
    ),
    ...checks.map((one) => openCheck(one, values)),
    ...providers.order.flatMap(({ token, remote }) => (remote ? remoteCheck(remote, values.valueFor(token)) : [])),
    ...processChecks(checks).map((one) => openCheck(one, values)),
  ]
}

/** Of a provider that says nothing, as one that no `provide()` has made. */
export const defaultSettings: HealthCheckSettings = resolveHealthCheck('check')

/** How it stands to another service is shown, and decides nothing: the fault is not here. */
export const remoteSettings: HealthCheckSettings = resolveHealthCheck('check', { affects: 'none' })

export function remoteCheckName({ contract }: RemoteFacts): string {
  return `remote ${contract}`
}

function openCheck({ name, needs, settings, open }: HealthCheck, values: MadeValues): Check {
  const { run, close } = values.construct(`check "${name}"`, () => open(...needs.map(inject)))
  return { name, settings, run: (signal) => run({ signal }), ...(close && { close }) }
}

/** A stand-in of a test has no connections. */
function remoteCheck(facts: RemoteFacts, client: unknown): readonly Check[] {
  if (typeof client !== 'object' || client === null || connectionsOf(client).length === 0) return []
  const run = () => {
    const failing = connectionsOf(client).filter(({ state }) => state === 'failing')
    if (failing.length === 0) return
    throw new Error(`no connection to ${failing.map(({ address }) => address).join(', ')}`)
  }
  return [{ name: remoteCheckName(facts), settings: remoteSettings, run }]
}
