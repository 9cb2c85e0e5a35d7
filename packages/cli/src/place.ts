/** A server that somebody may connect to. */
export interface Place {
  /** In lower case, without the brackets of IPv6. */
  readonly host: string
  readonly port: number
}

/** The servers of an address such as `static:///host:port,[fd00::1]:port`, or `host:port`; a Unix socket is none, and those of a registry are not known before. */
export function placesOf(address: string): readonly Place[] {
  return address
    .replace(/^static:\/\/\//, '')
    .split(',')
    .flatMap((one) => {
      const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:[\]]+)):(\d+)$/.exec(one.trim()) ?? []
      const host = bracketed ?? plain
      return host === undefined ? [] : [{ host: host.toLowerCase(), port: Number(port) }]
    })
}
