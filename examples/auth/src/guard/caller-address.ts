import { BlockList, isIPv6 } from 'node:net'

const mapped = new BlockList()
mapped.addSubnet('::ffff:0:0', 96, 'ipv6')

/**
 * The part of a caller's address that stays when it opens another connection: without the port, and of IPv6 the network, for whoever has one
 * address there has all 2^64 of it.
 *
 * @see RFC 4291 section 2.5.4: 64 bits of interface
 */
export function callerAddress(peer: string | undefined): string {
  if (peer === undefined) return 'unknown'
  const host = /^\[(.+)\]:\d+$/.exec(peer)?.[1] ?? peer
  if (!isIPv6(host)) return host.replace(/:\d+$/, '')
  // A caller over IPv4 at a server that listens for both.
  if (mapped.check(host, 'ipv6')) return host.slice(host.lastIndexOf(':') + 1)
  const [head = '', tail = ''] = host.replace(/%.*$/, '').split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === '' ? [] : tail.split(':')
  const filled = [...groups, ...Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0'), ...rest]
  return `${filled.slice(0, 4).join(':')}::/64`
}
