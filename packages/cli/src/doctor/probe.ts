import { isGrpc, type Listener, type Question } from './listener.ts'
import { lastingContainers } from './manifest/container.ts'
import type { Field } from './manifest/field.ts'
import { listenerAt, type Subject } from './subject.ts'

export type ProbeKind = 'readinessProbe' | 'livenessProbe' | 'startupProbe'

/** A probe of the container, with what the API server takes where nothing was written, or 0. */
export interface Probe {
  readonly kind: ProbeKind
  readonly at: Field
  readonly by: 'http' | 'grpc' | 'tcp' | 'exec'
  /** Where its port was written; where the probe stands for one that names none. */
  readonly portAt: Field
  /** As it was written: a number, or a name. */
  readonly portText: string | undefined
  /** Undefined where it names none that can be known. */
  readonly port: number | undefined
  readonly listener: Listener | undefined
  /** Of HTTP, without its query. */
  readonly path: string | undefined
  readonly isVerbose: boolean
  /** `HTTP` or `HTTPS` */
  readonly scheme: string
  /** What the service is asked; undefined where that is none of its probes. gRPC health says what `/readyz` does. */
  readonly asks: Question | undefined
  readonly initialDelaySeconds: number
  readonly periodSeconds: number
  readonly timeoutSeconds: number
  readonly failureThreshold: number
}

/** Undefined where the container has none. @see Kubernetes API reference, Probe */
export function probeOf(subject: Subject, kind: ProbeKind): Probe | undefined {
  const at = subject.container.at(kind)
  const target = targetOf(at)
  if (target === undefined) return undefined
  const { by, portAt, asks, path = '' } = target
  const port = target.port ?? portOf(subject, portAt)
  const listener = listenerAt(subject, port)
  const [plain = '', query = ''] = path.split('?')
  const filledIn = (name: string, fallback: number) => at.at(name).number || fallback
  return {
    kind,
    at,
    by,
    portAt,
    portText: target.port === undefined ? portAt.shown : String(target.port),
    port,
    listener,
    path: by === 'http' ? plain || '/' : undefined,
    isVerbose: new URLSearchParams(query).has('verbose'),
    scheme: at.at('httpGet', 'scheme').text ?? 'HTTP',
    asks:
      by === 'http'
        ? ownProbe(listener, plain)
        : (asks ?? (by === 'grpc' && listener && isGrpc(listener) ? 'readyz' : undefined)),
    initialDelaySeconds: filledIn('initialDelaySeconds', 0),
    periodSeconds: filledIn('periodSeconds', 10),
    timeoutSeconds: filledIn('timeoutSeconds', 1),
    failureThreshold: filledIn('failureThreshold', 3),
  }
}

/** All that the container has. */
export function probesOf(subject: Subject): readonly Probe[] {
  return (['startupProbe', 'readinessProbe', 'livenessProbe'] as const).flatMap((kind) => probeOf(subject, kind) ?? [])
}

/** The number of a port that was written as a number, or as the name that the container gives it. */
export function portOf({ container }: Pick<Subject, 'container'>, port: Field): number | undefined {
  if (port.number !== undefined) return port.number
  if (/^\d+$/.test(port.text ?? '')) return Number(port.text)
  const named = container.at('ports').items.find((one) => one.at('name').isSet && one.at('name').text === port.text)
  return named?.at('containerPort').number
}

/** Whether another container of the pod has a port, such as a proxy. */
export function isOfOther({ pod, container }: Pick<Subject, 'pod' | 'container'>, port: Field): boolean {
  return lastingContainers(pod)
    .filter(({ path }) => path !== container.path)
    .flatMap((other) => other.at('ports').items)
    .some((one) => one.at('containerPort').value === port.value || one.at('name').value === port.value)
}

interface Target {
  readonly by: Probe['by']
  readonly portAt: Field
  readonly port?: number | undefined
  readonly path?: string | undefined
  readonly asks?: Question | undefined
}

function targetOf(at: Field): Target | undefined {
  if (at.at('httpGet').isSet)
    return { by: 'http', portAt: at.at('httpGet', 'port'), path: at.at('httpGet', 'path').text ?? '/' }
  if (at.at('grpc').isSet) return { by: 'grpc', portAt: at.at('grpc', 'port') }
  if (at.at('tcpSocket').isSet) return { by: 'tcp', portAt: at.at('tcpSocket', 'port') }
  return at.at('exec').isSet ? { by: 'exec', portAt: at.at('exec', 'command'), ...commandTarget(at) } : undefined
}

const questions: Readonly<Record<string, Question>> = { live: 'livez', ready: 'readyz', startup: 'startupz' }

/** What `tenon probe` asks, and `grpc_health_probe`; nothing of other commands. */
function commandTarget(at: Field): Pick<Target, 'port' | 'asks'> {
  const words = at.at('exec', 'command').items.map((word) => word.shown ?? '')
  const [, grpcPort] = /grpc[_-]health[_-]probe.*-addr[= ]\S*?:(\d+)/.exec(words.join(' ')) ?? []
  if (grpcPort !== undefined) return { port: Number(grpcPort), asks: 'readyz' }
  const place = words.indexOf('probe')
  const question = questions[words[place + 1] ?? '']
  const isTenon = words.slice(0, Math.max(0, place)).some((word) => /\btenon\b|@tenon\/cli\b/.test(word))
  if (!isTenon || question === undefined) return {}
  const [, port = '9000'] = /--port[= ](\d+)/.exec(words.join(' ')) ?? []
  return { port: Number(port), asks: /--path\b/.test(words.join(' ')) ? undefined : question }
}

function ownProbe(listener: Listener | undefined, path: string): Question | undefined {
  return listener && Object.hasOwn(listener.probes, path) ? listener.probes[path] : undefined
}
