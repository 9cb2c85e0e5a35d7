import { type AnyContract, type ContractInfo, contractInfo } from '../contract/contract.ts'
import type { InputToSend, IsStreaming, Operation, OutputReceived } from '../contract/operation.ts'
import { noFunctions } from '../error/no-function.ts'
import { WiringError } from '../error/setup-error.ts'
import { type Caller, type NamedToken, type Provider, provide, token } from '../handler/provider.ts'
import { silent } from '../telemetry/log.ts'
import { BalancedChannel } from './balanced-channel.ts'
import { CallBounds } from './call-bounds.ts'
import { type ChannelList, fixedChannels, FoundChannels } from './channel-list.ts'
import { type CallOptions, type ClientInterceptor, compileClientMethod } from './client-method.ts'
import type { ClientChannel, ClientTarget, ClientTransport } from './client-transport.ts'
import { noteChannels } from './connections.ts'
import { requireConfidential } from './place/confidential.ts'
import { DnsDirectory } from './place/dns-directory.ts'
import { LocalChannels } from './local/local-channels.ts'
import type { KnownName } from './place/known-name.ts'
import { openObserved } from './observed-channel.ts'
import { type DnsName, type Route, routeTo } from './place/place.ts'
import { ClientJournal } from './policy/client-journal.ts'
import { PolicedChannel } from './policy/policed-channel.ts'
import { processClock } from './policy/policy-clock.ts'
import { type RemotePolicy, type RemoteSettings, resolvePolicy } from './policy/remote-policy.ts'
import { resolveTargets, type TargetSettings } from './policy/target-policy.ts'
import { instanceStateOf, noteRemote } from './remote-state.ts'
import { ServiceDirectory } from './place/service-directory.ts'
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
   *
   * `dns:///user.shop.svc.cluster.local:50051` is every address that DNS has of the name, now and later, as if `dnsRegistry()` told of
   * them; the name is asked for at least once a second. `dns://10.0.0.10:8600/user:50051` asks another server than those of the
   * system. Certificates are checked for the name.
   *
   * `https://host`, `http://host:3000` and `https://gateway/base` are one server, for transports that speak so: `httpClient()`. The
   * ports are 443 and 80 where none is given; https trusts what the platform trusts, unless the transport says more.
   *
   * `local` is whichever services of this process offer the contract and run: they are called without a socket, through all that a call
   * over one passes, and `via` is not used. Nothing is shared with them; a call fails as `unavailable` while there is none.
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

/** As `RemoteOptions`, for a service that runs in the same process: nothing need be said of how calls go out. */
export interface LocalRemoteOptions<Of extends AnyContract = AnyContract>
  extends Omit<RemoteOptions<Of>, 'via' | 'at'> {
  /** Not used; may be there, as a setting may say that the service is elsewhere. */
  readonly via?: ClientTransport
  readonly at: 'local'
}

/**
 * Says where another service is, so that handlers may inject its client.
 *
 * @throws ConfigError `config.malformed` for an address that cannot be read, or that is not confidential where an interceptor is, or a policy, `config.out_of_range` for a number in it, `config.missing` where `via` is;
 *   WiringError `wiring.undefined` for an interceptor that is no function; ContractError for what the transport cannot carry.
 */
export function remote<Of extends AnyContract>(
  contract: Of,
  options: RemoteOptions<Of> | LocalRemoteOptions<Of>,
): Provider {
  return compileRemote(contract, options)
}

/** What is given, whatever the address needs of it. */
type GivenOptions<Of extends AnyContract> = Omit<RemoteOptions<Of>, 'via'> & Partial<Pick<RemoteOptions<Of>, 'via'>>

function compileRemote<Of extends AnyContract>(contract: Of, options: GivenOptions<Of>): Provider {
  const { via, at, interceptors = [], policy } = options
  const info = contractInfo(contract)
  const route = routeTo(at, { name: info.name, via })
  requireFunctions(interceptors, info.name)
  requireConfidential(info.name, at, { interceptors, route })
  const settings = policy === undefined ? undefined : resolvePolicy(info, policy)
  if (route.kind !== 'local') route.via.check?.(info)
  return provideRemote(contract, { ...options, interceptors: [...interceptors], settings, route }, nobody)
}

/** The caller of a client that no service has. */
const nobody: Caller = Object.freeze({ instanceId: '', zone: undefined, log: silent })

interface SoundOptions<Of extends AnyContract> extends GivenOptions<Of> {
  readonly interceptors: readonly ClientInterceptor[]
  /** Undefined where nothing was said. */
  readonly settings: RemoteSettings | undefined
  readonly route: Route
}

function provideRemote<Of extends AnyContract>(contract: Of, options: SoundOptions<Of>, caller: Caller): Provider {
  const { at, interceptors, settings, route } = options
  const info = contractInfo(contract)
  const { name } = info
  const { name: transport, waitForReady } = route.kind === 'local' ? inProcess : route.via
  const channels = new WeakMap<object, ClientChannel>()
  const join = (list: ChannelList, journal: ClientJournal) => {
    const targets = settings?.targets ?? resolveTargets({})
    const spread = spreadOver(list, { waitForReady, targets }, { ...caller, contract: name })
    const policed = settings && new PolicedChannel(spread, { contract: info, settings, journal })
    const channel = policed ?? spread
    const client = assembleClient<Of>(info, { channel, interceptors, settings })
    channels.set(client, channel)
    noteChannels(client, list)
    noteRemote(client, () => ({
      contract: name,
      address: at,
      transport,
      balancer: list.only ? undefined : targets.balancer.name,
      policies: policed?.policies,
      instances: list.opened.map((target) => ({
        ...instanceStateOf(target),
        ...(list.only && { runningCount: undefined }),
      })),
    }))
    return client
  }
  const dispose = (client: Client<Of>) => channels.get(client)?.close()
  const provider = provideAt(route, info, { token: clientOf(contract), join, dispose })
  return Object.freeze({
    ...provider,
    remote: {
      contract: name,
      transport,
      at,
      interceptors,
      movedTo: (elsewhere: string) => compileRemote(contract, { ...options, at: elsewhere }),
      calledBy: (one: Caller) => provideRemote(contract, options, one),
    },
  })
}

/** What is told of calls that no transport carries. */
const inProcess: Pick<ClientTransport, 'name' | 'waitForReady'> = Object.freeze({ name: 'local' })

interface Destination {
  readonly via: ClientTransport
  readonly contract: ContractInfo
}

/** How the client is made of what it is spread over. */
interface Making<Of> {
  readonly token: NamedToken<Client<Of>>
  join(list: ChannelList, journal: ClientJournal): Client<Of>
  dispose(client: Client<Of>): unknown
}

/** Each place needs what knows of it, and no other. */
function provideAt<Of>(route: Route, contract: ContractInfo, { token: of, join, dispose }: Making<Of>): Provider {
  switch (route.kind) {
    case 'local':
      return provide(of, {
        needs: [ClientJournal],
        create: (journal) => join(new LocalChannels(contract), journal),
        dispose,
      })
    case 'registered':
      return provide(of, {
        needs: [ServiceDirectory, ClientJournal],
        create: (directory, journal) =>
          join(findAll({ via: route.via, contract }, directory.of(route.service)), journal),
        dispose,
      })
    case 'named':
      return provide(of, {
        needs: [DnsDirectory, ClientJournal],
        create: (directory, journal) => join(findNamed({ via: route.via, contract }, route, directory), journal),
        dispose,
      })
    case 'fixed':
    case 'url':
      return provide(of, {
        needs: [ClientJournal],
        create: (journal) => join(openAll({ via: route.via, contract }, route), journal),
        dispose,
      })
  }
}

interface Spreading {
  readonly waitForReady: boolean | undefined
  readonly targets: TargetSettings
}

/** A single address has nobody to be chosen among. */
function spreadOver(
  list: ChannelList,
  { waitForReady, targets }: Spreading,
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

function openAll({ via, contract }: Destination, place: FixedPlace): ChannelList {
  if (place.kind === 'url') {
    const { address, scheme, pathPrefix } = place
    return fixedChannels([new Target(address, openObserved(via, { contract, address, scheme, pathPrefix }))])
  }
  const { addresses } = place
  const several = addresses.length > 1 ? { isOneOfSeveral: true } : {}
  return fixedChannels(
    addresses.map((address) => new Target(address, openObserved(via, { contract, address, ...several }))),
  )
}

type FixedPlace = Extract<Route, { kind: 'fixed' | 'url' }>

/** Certificates are for the name, and so are the hosts of servers that tell several apart. */
function findNamed(destination: Destination, name: DnsName, directory: DnsDirectory): ChannelList {
  const { via } = destination
  const known = directory.of(name, via.protocol ?? via.name)
  return findAll(destination, known, { authority: `${name.host}:${name.port}` })
}

/** @param rest What else each of them is told to the transport. */
function findAll({ via, contract }: Destination, known: KnownName, rest: Partial<ClientTarget> = {}): ChannelList {
  const open = (address: string) => openObserved(via, { contract, address, isOneOfSeveral: true, ...rest })
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
