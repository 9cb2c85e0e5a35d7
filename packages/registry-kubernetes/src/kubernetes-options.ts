import { checkNames, ConfigError, optionCheck, type SetupProblem } from '@tenon/core/registry'

export interface KubernetesRegistryOptions {
  /**
   * Where a name without one is looked for: `user` is Service `user` of this namespace, `user.shop` that of namespace `shop`.
   *
   * @defaultValue the namespace of the pod, or that of the kubeconfig's context, or `default`
   * @throws ConfigError `config.malformed`
   */
  readonly namespace?: string
  /**
   * The file that says where the API server is and who asks.
   *
   * @defaultValue `KUBECONFIG`, which may name several files; else the service account, in a pod; else `~/.kube/config`
   * @throws ConfigError `config.malformed`
   */
  readonly kubeconfig?: string
  /**
   * A context of the kubeconfig; a kubeconfig is used then, in a pod too.
   *
   * @defaultValue its `current-context`
   * @throws ConfigError `config.malformed`
   */
  readonly context?: string
  /**
   * Which port speaks what, by protocol: the name of a port of the Service, or the number of a port of the pods. Ports that are not named
   * here are left out.
   *
   * @defaultValue what ports say of themselves: one named `http`, `https`, `grpc` or `grpcs`, else one with such an `appProtocol`, or
   * `kubernetes.io/h2c`, which is taken for gRPC; `appProtocol: https` is TLS, whatever the name
   * @throws ConfigError `config.malformed`, `config.out_of_range`
   */
  readonly ports?: Readonly<Record<string, string | number>>
  /**
   * The zone this process runs in. Where every endpoint of a Service has zone hints (`trafficDistribution`), those of other zones are left
   * out then, unless none is left.
   *
   * @defaultValue none: hints are not looked at
   * @throws ConfigError `config.malformed`
   * @see Kubernetes, Topology Aware Routing: Safeguards
   */
  readonly zone?: string
}

/** What of the options says how slices are read. */
export interface MappingSettings {
  readonly ports: Readonly<Record<string, string | number>> | undefined
  readonly zone: string | undefined
}

export interface KubernetesSettings extends MappingSettings {
  readonly namespace: string | undefined
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
}

/** A name of a namespace or a Service. @see RFC 1123 label */
export const labelForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

const names: Readonly<Record<keyof KubernetesRegistryOptions, true>> = {
  namespace: true,
  kubeconfig: true,
  context: true,
  ports: true,
  zone: true,
}

export const knownOptions: readonly string[] = Object.keys(names)

/** @throws ConfigError `config.malformed`, `config.out_of_range`; all problems at once. */
export function resolveKubernetesOptions(options: KubernetesRegistryOptions): KubernetesSettings {
  if (!isObject(options)) throw new ConfigError([malformed('the options must be an object')])
  const { namespace, kubeconfig, context, ports, zone } = options
  const problems = [
    ...checkNames('kubernetesRegistry', options, knownOptions),
    ...checkNamespace(namespace),
    ...checkText('kubeconfig', kubeconfig),
    ...checkText('context', context),
    ...checkPorts(ports),
    ...checkText('zone', zone),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({ namespace, kubeconfig, context, ports: ports && Object.freeze({ ...ports }), zone })
}

const { malformed, integer } = optionCheck('kubernetesRegistry')

function checkNamespace(value: unknown): readonly SetupProblem[] {
  if (value === undefined || (typeof value === 'string' && labelForm.test(value))) return []
  return [malformed(`namespace must be the name of a namespace such as shop, found ${JSON.stringify(value)}`)]
}

function checkText(name: string, value: unknown): readonly SetupProblem[] {
  if (value === undefined || (typeof value === 'string' && value !== '')) return []
  return [malformed(`${name} must be text that is not empty, found ${JSON.stringify(value)}`)]
}

function checkPorts(ports: unknown): readonly SetupProblem[] {
  if (ports === undefined) return []
  if (!isObject(ports))
    return [malformed(`ports must be an object such as { grpc: 'grpc' }, found ${JSON.stringify(ports)}`)]
  if (Object.keys(ports).length === 0) return [malformed('ports must name a port for a protocol, found none')]
  return Object.entries(ports).flatMap(([protocol, port]) =>
    typeof port === 'number'
      ? integer(`ports.${protocol}`, port, { min: 1, max: 65_535 })
      : checkText(`ports.${protocol}`, port ?? null),
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
