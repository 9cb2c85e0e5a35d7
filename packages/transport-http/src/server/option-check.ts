import { BlockList, isIP } from 'node:net'
import { isRecord, optionCheck, type SetupProblem, toFound } from '@tenon/core/transport'
import { servedPathForm } from '../option-form.ts'

/** What is wrong with the options of `httpTransport`. */
export const { malformed, outOfRange, integer: checkInteger, host: checkHost } = optionCheck('httpTransport')

export function checkPathPrefix(prefix: string): readonly SetupProblem[] {
  if (typeof prefix === 'string' && (prefix === '' || servedPathForm.test(prefix))) return []
  return [malformed(`pathPrefix must be a path such as /api/shop, found ${JSON.stringify(prefix)}`)]
}

/** What is off, on, or on with options of its own. */
export function checkSwitch(
  name: string,
  value: unknown,
  check: (given: object) => readonly SetupProblem[] = () => [],
): readonly SetupProblem[] {
  if (value === undefined || typeof value === 'boolean') return []
  if (isRecord(value)) return check(value)
  return [malformed(`${name} must be true, false or an object, found ${JSON.stringify(value)}`)]
}

export function checkFunction(name: string, value: unknown): readonly SetupProblem[] {
  if (value === undefined || typeof value === 'function') return []
  return [malformed(`${name} must be a function, found ${toFound(value)}`)]
}

/** How many proxies may stand in a row. A guess: nobody has more. */
const mostHops = 32

export function checkTrustProxy(trust: number | readonly string[] | undefined): readonly SetupProblem[] {
  if (trust === undefined) return []
  if (typeof trust === 'number') return checkInteger('trustProxy', trust, { min: 1, max: mostHops })
  if (!Array.isArray(trust) || trust.length === 0) {
    const found = JSON.stringify(trust)
    return [malformed(`trustProxy must be a list of addresses and networks, or a number of hops, found ${found}`)]
  }
  return trust
    .filter((entry) => !isNetwork(entry))
    .map((entry) => malformed(`trustProxy: ${JSON.stringify(entry)} is no address and no network such as 10.0.0.0/8`))
}

/** @see @fastify/proxy-addr, which knows these names */
const namedNetworks: readonly unknown[] = ['loopback', 'linklocal', 'uniquelocal']

function isNetwork(entry: unknown): boolean {
  if (namedNetworks.includes(entry)) return true
  if (typeof entry !== 'string') return false
  const [address = '', bits, ...rest] = entry.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  if (bits === undefined) return true
  return /^\d{1,3}$/.test(bits) && isPrefixLength(address, Number(bits), family === 6 ? 'ipv6' : 'ipv4')
}

function isPrefixLength(address: string, bits: number, family: 'ipv4' | 'ipv6'): boolean {
  try {
    new BlockList().addSubnet(address, bits, family)
    // A network of every address trusts whatever anybody says.
    return bits > 0
  } catch {
    return false
  }
}
