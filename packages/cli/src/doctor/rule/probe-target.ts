import type { Rule } from '../finding.ts'
import { answers, isGrpc, portsText } from '../listener.ts'
import { isOfOther, type Probe, probeOf, probesOf } from '../probe.ts'
import { hasFreePort, probePort, type Subject } from '../subject.ts'

const nobodyListens: Rule = {
  id: 'probe-port-unknown',
  severity: 'error',
  find: (subject) => {
    if (hasFreePort(subject)) return []
    return probesOf(subject)
      .filter(
        ({ listener, portAt, portText }) =>
          listener === undefined && portText !== undefined && !isOfOther(subject, portAt),
      )
      .map(({ kind, portAt, portText, port }) => ({
        at: portAt,
        message:
          port === undefined
            ? `${kind} asks the port "${portText}", which is no name of a port of the container`
            : `${kind} asks port ${port}, where nobody listens: the service listens on ${portsText(subject.listeners) || 'none'}`,
        fix: `port: ${probePort(subject) ?? 'a port of the service'}`,
      }))
  },
}

const wrongProtocol: Rule = {
  id: 'probe-protocol',
  severity: 'error',
  find: (subject) => probesOf(subject).flatMap((probe) => mismatchOf(probe, subject)),
}

const unknownPath: Rule = {
  id: 'probe-path-unknown',
  severity: 'error',
  find: (subject) =>
    strayPaths(subject).flatMap(({ listener, asked, ...place }) =>
      listener.hasCallers
        ? []
        : [
            {
              ...place,
              message: `${asked}, which answers ${Object.keys(listener.probes).join(', ')}: any other path is 404 and fails`,
            },
          ],
    ),
}

const unsurePath: Rule = {
  id: 'probe-path-unsure',
  severity: 'warning',
  find: (subject) =>
    strayPaths(subject).flatMap(({ listener, asked, ...place }) => {
      if (!listener.hasCallers) return []
      const known = Object.keys(listener.probes)
      const answered = known.length === 0 ? 'no probes (probes: true of httpTransport is off)' : known.join(', ')
      const message = `${asked}, which answers ${answered}, and is 404 unless \`configure\` or a prefix mounts it`
      return [{ ...place, message }]
    }),
}

const unknownService: Rule = {
  id: 'probe-service-unknown',
  severity: 'error',
  find: (subject) => {
    const names = new Set(subject.service.handlers.flatMap(({ contracts }) => contracts))
    return probesOf(subject).flatMap(({ kind, at, by, listener }) => {
      const place = at.at('grpc', 'service')
      const name = place.text ?? ''
      if (by !== 'grpc' || listener === undefined || !isGrpc(listener) || name === '' || names.has(name)) return []
      const message = `${kind} asks gRPC health for ${name}, which port ${listener.port} (${listener.name}) does not serve: the answer is NOT_FOUND, and fails`
      return [{ at: place, message, fix: 'leave service out, which asks for all of the server' }]
    })
  },
}

const byConnection: Rule = {
  id: 'probe-by-connection',
  severity: 'warning',
  find: (subject) =>
    probesOf(subject)
      .filter(({ by, kind }) => by === 'tcp' && kind !== 'startupProbe')
      .map(({ kind, at }) => ({
        at: at.at('tcpSocket'),
        message: `${kind} only opens a connection, which the system accepts for a process that hangs or is not ready`,
        fix: `httpGet: { path: ${rightPath[kind]}, port: ${probePort(subject) ?? 'the admin port'} }`,
      })),
}

const readinessAsksOther: Rule = {
  id: 'readiness-asks-other',
  severity: 'error',
  find: (subject) => {
    const readiness = probeOf(subject, 'readinessProbe')
    if (readiness?.asks === undefined || readiness.asks === 'readyz') return []
    const message = `the readiness probe asks /${readiness.asks}, which passes before the service is ready, while its checks fail and while it stops: calls come that it cannot answer`
    return [{ at: readiness.at, message, fix: 'path: /readyz' }]
  },
}

const asksDetails: Rule = {
  id: 'probe-verbose',
  severity: 'error',
  find: (subject) =>
    probesOf(subject)
      .filter(({ isVerbose }) => isVerbose)
      .map(({ kind, at }) => ({
        at: at.at('httpGet', 'path'),
        message: `${kind} asks for details (?verbose), which are for people: ${subject.service.admin?.hasToken ? 'they' : 'once admin.token is set they'} are refused to who has no token, and nobody reads them here`,
        fix: `path: ${rightPath[kind]}`,
      })),
}

export const probeTargetRules: readonly Rule[] = [
  nobodyListens,
  wrongProtocol,
  unknownPath,
  unsurePath,
  unknownService,
  byConnection,
  readinessAsksOther,
  asksDetails,
]

const rightPath = { startupProbe: '/startupz', readinessProbe: '/readyz', livenessProbe: '/livez' } as const

/** HTTP probes with a path of which nothing is known. */
function strayPaths(subject: Subject) {
  return probesOf(subject).flatMap(({ kind, at, by, listener, path, asks }) => {
    if (by !== 'http' || listener === undefined || path === undefined || isGrpc(listener)) return []
    if (asks !== undefined || answers(listener, path)) return []
    const asked = `${kind} asks ${path} of port ${listener.port} (${listener.name})`
    const fix = `path: ${rightPath[kind]}, port: ${probePort(subject) ?? listener.port}`
    return [{ at: at.at('httpGet', 'path'), listener, asked, fix }]
  })
}

function mismatchOf({ by, at, kind, listener, scheme }: Probe, subject: Subject): ReturnType<Rule['find']> {
  if (listener === undefined) return []
  const { port, name, protocol } = listener
  if (by === 'http' && isGrpc(listener))
    return [
      {
        at: at.at('httpGet'),
        message: `${kind} asks port ${port} (${name}) over HTTP, which speaks gRPC there`,
        fix: `grpc: { port: ${port} }, or the port ${probePort(subject) ?? 'of the admin server'}`,
      },
    ]
  if (by === 'grpc' && protocol === 'grpcs')
    return [
      {
        at: at.at('grpc'),
        message: `${kind} asks port ${port} (${name}) over gRPC without TLS, which the kubelet cannot do otherwise; the service asks for TLS there`,
        fix: `httpGet: { path: ${rightPath[kind]}, port: ${probePort(subject) ?? 'the admin port'} }`,
      },
    ]
  if (by === 'grpc' && !isGrpc(listener))
    return [
      {
        at: at.at('grpc'),
        message: `${kind} asks port ${port} (${name}) over gRPC, which speaks ${protocol} there`,
        fix: `httpGet: { path: ${rightPath[kind]}, port: ${probePort(subject) ?? port} }`,
      },
    ]
  const expected = protocol === 'https' ? 'HTTPS' : 'HTTP'
  if (by !== 'http' || scheme === expected) return []
  return [
    {
      at: at.at('httpGet', 'scheme'),
      message: `${kind} asks port ${port} (${name}) by ${scheme}, which speaks ${expected} there`,
      fix: `scheme: ${expected}`,
    },
  ]
}
