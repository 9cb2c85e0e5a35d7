import type { ServiceDescription } from '@tenon/core'

/** How Docker looks at a service: with Node itself, for there may be no shell. None where no port is told that answers probes. */
export function healthCheck(node: string, service: ServiceDescription): readonly string[] {
  const place = readinessPlace(service)
  if (place === undefined) return []
  const options = `{ port: ${place.port}, path: ${JSON.stringify(place.path).replaceAll('"', "'")} }`
  const answer = '({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)'
  const code = `require('node:http').get(${options}, ${answer}).on('error', () => process.exit(1))`
  const startSeconds = Math.ceil(service.limits.startTimeoutMs / 1_000)
  return [
    `HEALTHCHECK --interval=5s --timeout=3s --start-period=${startSeconds}s --retries=3 \\`,
    `  CMD ${JSON.stringify([node, '-e', code])}`,
  ]
}

interface Place {
  readonly port: number
  readonly path: string
}

/** Of the admin server, else of a transport that answers probes. */
function readinessPlace({ admin, transports }: ServiceDescription): Place | undefined {
  const own = admin ? [{ port: admin.port, path: '/readyz' }] : []
  const others = transports.flatMap(({ probes = {}, listensAt = [] }) => {
    const path = Object.keys(probes).find((each) => probes[each] === 'readyz')
    const ports = listensAt.filter(({ protocol }) => protocol === 'http').map(({ port }) => port)
    return path === undefined ? [] : ports.map((port) => ({ port, path }))
  })
  return [...own, ...others].find(({ port }) => port !== 0)
}
