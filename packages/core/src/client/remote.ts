import { type AnyContract, type ContractInfo, contractInfo } from '../contract/contract.ts'
import type { InputToSend, IsStreaming, Operation, OutputReceived } from '../contract/operation.ts'
import { noFunctions } from '../error/no-function.ts'
import { ConfigError, WiringError } from '../error/setup-error.ts'
import { type NamedToken, type Provider, provide, token } from '../handler/provider.ts'
import { BalancedChannel } from './balanced-channel.ts'
import { CallBounds } from './call-bounds.ts'
import { type CallOptions, type ClientInterceptor, compileClientMethod } from './client-method.ts'
import type { ClientChannel, ClientTransport } from './client-transport.ts'
import { noteChannels, type OpenChannel } from './connections.ts'

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

export interface RemoteOptions {
  /** How calls go out: `grpcClient()`. */
  readonly via: ClientTransport
  /**
   * Where the service is: `static:///host:port`, or several of them with commas between, `static:///a:50051,b:50051`. Calls go to
   * each in turn; one that cannot be reached is passed over while another can, and a call of which nothing was sent goes to the
   * next. A Unix socket is `static:///unix:/path`, where the transport can call one.
   */
  readonly at: string
  /** Around every call that goes out, outermost first. */
  readonly interceptors?: readonly ClientInterceptor[]
}

/**
 * Says where another service is, so that handlers may inject its client.
 *
 * @throws ConfigError `config.malformed` for an address that cannot be read; WiringError `wiring.undefined` for an interceptor
 *   that is no function; ContractError for what the transport cannot carry.
 */
export function remote<Of extends AnyContract>(contract: Of, { via, at, interceptors = [] }: RemoteOptions): Provider {
  const { name } = contractInfo(contract)
  const addresses = parseAddresses(at, name)
  requireFunctions(interceptors, name)
  via.check?.(contractInfo(contract))
  const around = [...interceptors]
  const channels = new WeakMap<object, ClientChannel>()
  const provider = provide(clientOf(contract), {
    create: () => {
      const opened = openAll(via, contractInfo(contract), addresses)
      const channel = join(
        opened.map((one) => one.channel),
        via,
      )
      const client = buildClient<Of>(contract, channel, around)
      channels.set(client, channel)
      noteChannels(client, opened)
      return client
    },
    dispose: (client) => channels.get(client)?.close(),
  })
  const movedTo = (elsewhere: string) => remote(contract, { via, at: elsewhere, interceptors })
  return Object.freeze({
    ...provider,
    remote: { contract: name, transport: via.name, at, interceptors: around, movedTo },
  })
}

function openAll(via: ClientTransport, contract: ContractInfo, addresses: readonly string[]): readonly OpenChannel[] {
  const several = addresses.length > 1 ? { isOneOfSeveral: true } : {}
  return addresses.map((address) => ({ address, channel: via.open({ contract, address, ...several }) }))
}

function join(channels: readonly ClientChannel[], { waitForReady }: ClientTransport): ClientChannel {
  const [only] = channels
  return only && channels.length === 1 ? only : new BalancedChannel(channels, { waitForReady })
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
  const { name, operations } = contractInfo(contract)
  requireFunctions(interceptors, name)
  const parts = { channel, interceptors, bounds: new CallBounds() }
  const methods = operations.map((operation) => [operation.name, compileClientMethod(operation, parts)] as const)
  return Object.freeze(Object.fromEntries(methods)) as Client<Of>
}

function requireFunctions(interceptors: readonly unknown[], name: string): void {
  // Not `map`, which leaves out the holes of a list.
  const places = Array.from(interceptors, (one, index) => [`interceptors[${index}] of remote(${name})`, one] as const)
  const problems = noFunctions(places)
  if (problems.length > 0) throw new WiringError(problems)
}

function parseAddresses(at: string, name: string): readonly string[] {
  const addresses = at.startsWith(staticScheme) ? at.slice(staticScheme.length).split(',') : []
  if (addresses.length > 0 && addresses.every(isAddress)) return addresses
  const message = `remote(${name}): at must be static:///host:port, or several host:port with commas between, or unix:/path in their place, found "${at}"`
  throw new ConfigError([{ code: 'config.malformed', message }])
}

const staticScheme = 'static:///'

function isAddress(text: string): boolean {
  if (/^unix:\/./.test(text)) return true
  const match = /^(?:\[[\da-f:.%]+\]|[^,/\s:[\]]+):(\d{1,5})$/i.exec(text)
  return match !== null && Number(match[1]) <= 65_535
}
