import { hasRegistry } from '@shop/data'

/** What the address of the user service comes from. */
export interface UserAddressSettings {
  readonly userAddress: string | undefined
  readonly userGrpcPort: number
  /** The registry, if there is one. */
  readonly registry: string | undefined
  /** Where all servers of this machine listen. */
  readonly host: string | undefined
}

/** Where the user service is: where it is said to be, else where the registry says, else beside this one, at the port that its own setting names. */
export function userAddressOf(settings: UserAddressSettings): string {
  const { userAddress, userGrpcPort, registry, host = '127.0.0.1' } = settings
  if (userAddress !== undefined) return userAddress
  return hasRegistry(registry) ? 'registry:///user' : `static:///${toAuthority(host)}:${userGrpcPort}`
}

/** A wildcard is an address to listen on, not one to call. */
function toAuthority(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
