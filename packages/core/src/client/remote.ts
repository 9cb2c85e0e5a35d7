import { type AnyContract, type ContractInfo, contractInfo } from '../contract/contract.ts'
import type { InputToSend, IsStreaming, Operation, OutputReceived } from '../contract/operation.ts'
import { noFunctions } from '../error/no-function.ts'
import { ConfigError, WiringError } from '../error/setup-error.ts'
import { type Caller, type NamedToken, type Provider, provide, token } from '../handler/provider.ts'
import { silent } from '../telemetry/log.ts'
import { BalancedChannel } from './balanced-channel.ts'
import { CallBounds } from './call-bounds.ts'
import { type ChannelList, fixedChannels, FoundChannels } from './channel-list.ts'
import { type CallOptions, type ClientInterceptor, compileClientMethod } from './client-method.ts'
import type { ClientChannel, ClientTransport } from './client-transport.ts'
import { noteChannels } from './connections.ts'
import type { KnownName } from './known-name.ts'
import { ClientJournal } from './policy/client-journal.ts'
import { PolicedChannel } from './policy/policed-channel.ts'
import { processClock } from './policy/policy-clock.ts'
import { type RemotePolicy, type RemoteSettings, resolvePolicy } from './policy/remote-policy.ts'
import { resolveTargets, type TargetSettings } from './policy/target-policy.ts'
import { instanceStateOf, noteRemote } from './remote-state.ts'
import { ServiceDirectory } from './service-directory.ts'
import { PoolTelemetry } from './target/pool-telemetry.ts'
import { Target } from './target/target.ts'
import { TargetPool } from './target/target-pool.ts'

type ClientMethod<Op extends Operation> =
  IsStreaming<Op> extends true
    ? (input: InputToSend<Op>, options?: CallOptions) => AsyncIterable<OutputReceived<Op>>
    : (input: InputToSend<Op>, options?: CallOptions) => Promise<OutputReceived<Op>>

/** A contract's operations as methods that call the service which offers them. */
export type Client<Of> = {
  readonly [Name in keyof Of as Of[Name] extends Operation ? Name : never]: Of[Name] extends Operation
    ? ClientMethod<Of[Name]>
    : never
}

const tokens = new WeakMap<object, NamedToken>()

/** The token for the client of a contract: `inject(clientOf(users))`. The service needs a `remote()` for it. */
export function clientOf<Of extends AnyContract>(contract: Of): NamedToken<Client<Of>> {
  const known = tokens.get(contract) ?? token(`clientOf(${contractInfo(contract).name})`)
  tokens.set(contract, known)
  return known as NamedToken<Client<Of>>
}

export interface RemoteOptions<Of extends AnyContract = AnyContract> {
  /** How calls go out: `grpcClient()`. */
  readonly via: ClientTransport
  /**
   * Where the service is: `static:///host:port`, or several of them with commas between, `static:///a:50051,b:50051`. Calls are
   * spread over them; one that cannot be reached is passed over while another can, and a call of which nothing was sent goes to
   * another. A Unix socket is `static:///unix:/path`, where the transport can call one.
   *
   * `registry:///user` is wherever the registry of the service says that instances of `user` are, now and later: one that comes is
   * called, one that goes finishes what runs on it. While the registry cannot be asked, those it told of last are called, and so they
   * are for half a minute when it tells of none any more.
   */
  readonly at: string
  /** Around every call that goes out, outermost first. */
  readonly interceptors?: readonly ClientInterceptor[]
  /**
   * What is done for calls that take too long or fail, for all operations and for each, and who of several instances gets them.
   *
   * @defaultValue each call is made once, of the better of two instances that are drawn
   */
  readonly policy?: RemotePolicy<Of>
}

/**
 * Says where another service is, so that handlers may inject its client.
 *
 * @throws ConfigError `config.malformed` for an address that cannot be read, or a policy, `config.out_of_range` for a number in it;
 *   WiringError `wiring.undefined` for an interceptor that is no function; ContractError for what the transport cannot carry.
 */
export function remote<Of extends AnyContract>(contract: Of, options: RemoteOptions<Of>): Provider {
  const { via, at, interceptors = [], policy } = options
  const info = contractInfo(contract)
  const place = parsePlace(at, info.name)
  requireFunctions(interceptors, info.name)
  const settings = policy === undefined ? undefined : resolvePolicy(info, policy)
  via.check?.(info)
  return provideRemote(contract, { ...options, interceptors: [...interceptors], settings, place }, nobody)
}

/** The caller of a client that no service has. */
const nobody: Caller = Object.freeze({ instanceId: '', zone: undefined, log: silent })

interface SoundOptions<Of extends AnyContract> extends RemoteOptions<Of> {
  readonly interceptors: readonly ClientInterceptor[]
  /** Undefined where nothing was said. */
  readonly settings: RemoteSettings | undefined
  readonly place: Place
}

function provideRemote<Of extends AnyContract>(contract: Of, options: SoundOptions<Of>, caller: Caller): Provider {
  const { via, at, interceptors, settings, place } = options
  const info = contractInfo(contract)
  const { name } = info
  const channels = new WeakMap<object, ClientChannel>()
  const destination = { via, contract: info }
  const join = (list: ChannelList, journal: ClientJournal) => {
    const targets = settings?.targets ?? resolveTargets({})
    const spread = spreadOver(list, { via, targets }, { ...caller, contract: name })
    const policed = settings && new PolicedChannel(spread, { contract: info, settings, journal })
    const channel = policed ?? spread
    const client = assembleClient<Of>(info, { channel, interceptors, settings })
    channels.set(client, channel)
    noteChannels(client, list)
    noteRemote(client, () => ({
      contract: name,
      address: at,
      transport: via.name,
      balancer: list.only ? undefined : targets.balancer.name,
      policies: policed?.policies,
      instances: list.opened.map(instanceStateOf),
    }))
    return client
  }
  const dispose = (client: Client<Of>) => channels.get(client)?.close()
  const provider =
    'service' in place
      ? provide(clientOf(contract), {
          needs: [ServiceDirectory, ClientJournal],
          create: (directory, journal) => join(findAll(destination, directory.of(place.service)), journal),
          dispose,
        })
      : provide(clientOf(contract), {
          needs: [ClientJournal],
          create: (journal) => join(openAll(destination, place.addresses), journal),
          dispose,
        })
  return Object.freeze({
    ...provider,
    remote: {
      contract: name,
      transport: via.name,
      at,
      interceptors,
      movedTo: (elsewhere: string) => remote(contract, { ...options, at: elsewhere }),
      calledBy: (one: Caller) => provideRemote(contract, options, one),
    },
  })
}

interface Destination {
  readonly via: ClientTransport
  readonly contract: ContractInfo
}

/** A single address has nobody to be chosen among. */
function spreadOver(
  list: ChannelList,
  { via: { waitForReady }, targets }: { readonly via: ClientTransport; readonly targets: TargetSettings },
  { contract, zone, instanceId, log }: Caller & { readonly contract: string },
): ClientChannel {
  if (list.only) return list.only
  const pool = new TargetPool({
    settings: targets,
    zone,
    client: instanceId,
    clock: processClock,
    listener: new PoolTelemetry(contract, log),
  })
  return new BalancedChannel(list, { pool, waitForReady })
}

function openAll({ via, contract }: Destination, addresses: readonly string[]): ChannelList {
  const several = addresses.length > 1 ? { isOneOfSeveral: true } : {}
  return fixedChannels(addresses.map((address) => new Target(address, via.open({ contract, address, ...several }))))
}

function findAll({ via, contract }: Destination, known: KnownName): ChannelList {
  const open = (address: string) => via.open({ contract, address, isOneOfSeveral: true })
  return new FoundChannels({ known, log: known.log, protocol: via.protocol ?? via.name, open })
}

/**
 * The client of a contract over an open channel.
 *
 * @throws WiringError `wiring.undefined` for an interceptor that is no function.
 */
export function buildClient<Of extends AnyContract>(
  contract: Of,
  channel: ClientChannel,
  interceptors: readonly ClientInterceptor[] = [],
): Client<Of> {
  const info = contractInfo(contract)
  requireFunctions(interceptors, info.name)
  return assembleClient<Of>(info, { channel, interceptors, settings: undefined })
}

interface Assembly {
  readonly channel: ClientChannel
  readonly interceptors: readonly ClientInterceptor[]
  readonly settings: RemoteSettings | undefined
}

function assembleClient<Of extends AnyContract>(
  { operations }: ContractInfo,
  { settings, ...shared }: Assembly,
): Client<Of> {
  const parts = { ...shared, bounds: new CallBounds() }
  const methods = operations.map((operation) => {
    const { timeoutMs } = settings?.of(operation) ?? operation
    return [operation.name, compileClientMethod(operation, { ...parts, timeoutMs })] as const
  })
  return Object.freeze(Object.fromEntries(methods)) as Client<Of>
}

function requireFunctions(interceptors: readonly unknown[], name: string): void {
  // Not `map`, which leaves out the holes of a list.
  const places = Array.from(interceptors, (one, index) => [`interceptors[${index}] of remote(${name})`, one] as const)
  const problems = noFunctions(places)
  if (problems.length > 0) throw new WiringError(problems)
}

/** Addresses, or the name of a service that a registry knows. */
type Place = { readonly addresses: readonly string[] } | { readonly service: string }

function parsePlace(at: string, name: string): Place {
  const [, service] = registryForm.exec(at) ?? []
  if (service !== undefined) return { service }
  const addresses = at.startsWith(staticScheme) ? at.slice(staticScheme.length).split(',') : []
  if (addresses.length > 0 && addresses.every(isAddress)) return { addresses }
  const message = `remote(${name}): at must be static:///host:port, or several host:port with commas between, or unix:/path in their place, or registry:///name, found "${at}"`
  throw new ConfigError([{ code: 'config.malformed', message }])
}

/** What a registry may call a service: a name of DNS, with those of namespaces behind it. */
const registryForm = /^registry:\/\/\/([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)$/i
const staticScheme = 'static:///'

function isAddress(text: string): boolean {
  if (/^unix:\/./.test(text)) return true
  const match = /^(?:\[[\da-f:.%]+\]|[^,/\s:[\]]+):(\d{1,5})$/i.exec(text)
  return match !== null && Number(match[1]) <= 65_535
}
