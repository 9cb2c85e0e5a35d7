import type { ConfigSources, ConfigSpec, Environment, GivenSettings, Service, StartOptions } from '@tenon/core'
import { Publisher } from '@tenon/core/client'
import type { Logger } from '@tenon/core/telemetry'
import { type Provider, provide, type Transport } from '@tenon/core/transport'
import { capturedLog, type LogLine } from './captured-log.ts'
import { type FakeClock, fakeClock } from './clock/fake-clock.ts'
import { type MemoryTransport, memoryTransport } from './memory-transport.ts'
import { PublishedMessages } from './published-messages.ts'
import { recorded } from './recorded.ts'
import { ListingPublisher } from './recording-publisher.ts'
import { type TestedService, testedService } from './tested-service.ts'

export interface TestServiceOptions<Config extends ConfigSpec = ConfigSpec> {
  /** Values of the service's settings, by their names; a secret may be given as it is. */
  readonly config?: GivenSettings<Config>
  /** Variables for the settings that `config` leaves out. Neither the process's own environment nor `.env` is read. @defaultValue none */
  readonly environment?: Environment
  /** Sources of settings in the place of the service's own, none of which is asked: most tests give `config` and `changeSettings()`. @defaultValue none */
  readonly configSources?: ConfigSources
  /** Replace the providers of the same token, which are not created: `override(token, value)`, `provide(token, …)`. */
  readonly overrides?: readonly Provider[]
  /**
   * `memory`: the service's transports are not made, and nothing listens. `own`: they are, and listen on free ports; `call()` and
   * `publish()` work beside them. A queue without brokers is one and the same for all services of the process.
   *
   * @defaultValue memory
   */
  readonly transports?: 'memory' | 'own'
  /** `fake`: time stands still from before the start until the service is disposed. @defaultValue real */
  readonly clock?: 'real' | 'fake' | FakeClock
  /**
   * Whether schedules run at their moments, as in earnest, besides when `runSchedule()` asks for it.
   *
   * @defaultValue true with a fake clock; false with the real one, for when a test runs must not matter
   */
  readonly schedules?: boolean
  /** Gets the lines of the log too. */
  readonly log?: Logger
}

/**
 * Starts a service for a test: its handlers run as they do in earnest, but it is announced nowhere, has no server of probes and
 * takes nothing from the environment. A service runs once at a time.
 *
 * @throws ConfigError, ContractError, WiringError, LifecycleError as `service.start()` does; Error when the clock is fake already.
 */
export async function testService<Config extends ConfigSpec>(
  service: Service<Config>,
  options: TestServiceOptions<Config> = {},
): Promise<TestedService<Config>> {
  const { config = {}, environment = {}, overrides = [] } = options
  const memory = memoryTransport()
  const messages = new PublishedMessages()
  const log: LogLine[] = []
  const { clock, releaseClock } = clockOf(options)
  const ways = options.transports === 'own' ? ownWays(memory, messages) : memoryWays(memory, messages)
  try {
    const started = await service.start({
      environment,
      settings: config,
      configSources: options.configSources ?? false,
      transports: ways.transports,
      // The test's own come last, and count therefore.
      overrides: [...ways.overrides, ...overrides],
      schedules: options.schedules ?? clock !== undefined,
      registry: false,
      telemetry: false,
      admin: false,
      log: capturedLog(log, options.log),
    })
    return testedService({ started, memory, messages, log, clock, releaseClock })
  } catch (error) {
    releaseClock()
    throw error
  }
}

function clockOf({ clock = 'real' }: TestServiceOptions) {
  const own = clock === 'fake' ? fakeClock() : undefined
  return { clock: typeof clock === 'object' ? clock : own, releaseClock: () => own?.[Symbol.dispose]() }
}

/** How calls and messages get in and out of a service. */
type Ways = Required<Pick<StartOptions, 'transports' | 'overrides'>>

function memoryWays(memory: MemoryTransport, messages: PublishedMessages): Ways {
  return {
    transports: [memory],
    overrides: [provide(Publisher, { create: () => new ListingPublisher(messages) })],
  }
}

function ownWays(memory: MemoryTransport, messages: PublishedMessages): Ways {
  return {
    transports: (own) => [...own.map((transport) => onFreePort(transport, messages)), beside(own, memory)],
    overrides: [],
  }
}

function onFreePort(transport: Transport, messages: PublishedMessages): Transport {
  const { name, carriesEvents = false, provides = [] } = transport
  return {
    name,
    carriesEvents,
    provides: provides.map((provider) => recorded(provider, messages)),
    ...(transport.carriesTopic && { carriesTopic: (topic: string) => transport.carriesTopic?.(topic) ?? true }),
    carries: (operation) => transport.carries(operation),
    bind: (host) => transport.bind({ ...host, takesFreePorts: true }),
  }
}

/** Carries what the others carry, so that it hides nothing that nobody else would. */
function beside(own: readonly Transport[], memory: MemoryTransport): Transport {
  return {
    name: 'test',
    carriesEvents: own.some(({ carriesEvents }) => carriesEvents === true),
    carries: (operation) => own.some((transport) => transport.carries(operation)),
    bind: (host) => memory.bind(host),
  }
}
