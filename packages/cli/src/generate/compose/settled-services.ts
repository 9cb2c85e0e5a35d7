import type { ServiceDescription } from '@tenon/core'
import type { BackingServer } from './backing-server.ts'
import { chosenServers, type ServerChoice } from './chosen-servers.ts'
import { describedEnvironment } from './compose-environment.ts'
import type { ComposedService } from './composed-service.ts'

/** How a service is looked at again, with the variables that it would find. */
export interface ServiceSource {
  readonly service: ComposedService
  describe(environment: Readonly<Record<string, string>>): Promise<ServiceDescription>
}

export interface SettledServices {
  readonly services: readonly ComposedService[]
  readonly servers: readonly BackingServer[]
}

/**
 * Looks at services with the settings that the compose file gives them, until what they say asks for no others: where one listens
 * decides where another one calls it.
 */
export async function settledServices(
  sources: readonly ServiceSource[],
  choice: ServerChoice,
): Promise<SettledServices> {
  let services = sources.map(({ service }) => service)
  let told: string | undefined
  for (let round = 0; ; round += 1) {
    const servers = chosenServers(services, choice)
    const environments = services.map((service) => describedEnvironment(service, services, servers))
    // What goes round in circles is left as it is: the warnings tell what does not fit.
    if (told === JSON.stringify(environments) || round === mostRounds) return { services, servers }
    told = JSON.stringify(environments)
    services = await Promise.all(
      sources.map(async ({ service, describe }, index) => {
        return { ...service, description: await describe(environments[index] ?? {}) }
      }),
    )
  }
}

/** One for the servers, one for the ports that the settings move, one for those that call them. */
const mostRounds = 3
