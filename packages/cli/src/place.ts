/** A server that somebody may connect to. */
export interface Place {
  /** In lower case, without the brackets of IPv6. */
  readonly host: string
  readonly port: number
}

/**
 * The servers of an address such as `static:///host:port,[fd00::1]:port`, `dns:///host:port`, `https://host/base`, or `host:port`; a Unix
 * socket is none, and those of a registry are not known before.
 */
export function placesOf(address: string): readonly Place[] {
  return withPort(address)
    .replace(/^(?:static:\/\/|dns:\/\/[^/]*)\//, '')
    .split(',')
    .flatMap((one) => {
      const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:[\]]+)):(\d+)$/.exec(one.trim()) ?? []
      const host = bracketed ?? plain
      return host === undefined ? [] : [{ host: host.toLowerCase(), port: Number(port) }]
    })
}

/** A URL as `host:port`, with the port that its scheme stands for where it names none; all else as it is. */
function withPort(address: string): string {
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) return address
  const { hostname, port, protocol } = new URL(address)
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
}
