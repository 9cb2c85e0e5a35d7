/** What the address of the user service comes from. */
export interface UserAddressSettings {
  readonly userAddress: string | undefined
  readonly userGrpcPort: number
  /** Where all servers of this machine listen. */
  readonly host: string | undefined
}

/** Where the user service is: where it is said to be, else beside this one, at the port that its own setting names. */
export function userAddressOf({ userAddress, userGrpcPort, host = '127.0.0.1' }: UserAddressSettings): string {
  return userAddress ?? `static:///${toAuthority(host)}:${userGrpcPort}`
}

/** A wildcard is an address to listen on, not one to call. */
function toAuthority(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
