import { tokenName } from '../handler/provider.ts'
import { defaultSettings, remoteCheckName, remoteSettings } from './health/open-checks.ts'
import { processChecks } from './health/process-checks.ts'
import type { ServicePlan } from './plan-service.ts'
import type { CheckDescription } from './service-description.ts'

/** Everything that a service looks at, in the order in which it does. */
export function describeChecks({ providers, checks }: ServicePlan): readonly CheckDescription[] {
  const ofProviders = providers.order.flatMap(({ token, check, checkSettings = defaultSettings }) =>
    check ? [{ name: tokenName(token), needs: [tokenName(token)], ...checkSettings }] : [],
  )
  const ofRemotes = providers.order.flatMap(({ remote }) =>
    remote ? [{ name: remoteCheckName(remote), needs: [], ...remoteSettings }] : [],
  )
  const declared = (list: typeof checks) =>
    list.map(({ name, needs, settings }) => ({ name, needs: needs.map(tokenName), ...settings }))
  return [...ofProviders, ...declared(checks), ...ofRemotes, ...declared(processChecks(checks))]
}
