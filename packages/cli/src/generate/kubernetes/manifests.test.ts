import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { manifests } from './manifests.ts'
import { checked, described, listening, manifestsFor } from './sample-service.test-harness.ts'

type Described = ReturnType<typeof described>

const setting = { name: 'a', expected: 'text', isRequired: false, isSecret: false }
const remote = { contract: 'shop.User', transport: 'grpc', interceptors: [] }
const queue = { name: 'queue', carriesEvents: true, provides: [], connectsTo: ['kafka:9092'] }
const consumer = {
  key: 'id',
  start: undefined,
  handler: 'h',
  member: 'm',
  transports: [],
  timeoutMs: 1,
  interceptors: [],
}
const schedule = {
  timing: 'every 5 m',
  overlap: 'skip',
  jitterMs: 0,
  timeoutMs: 1,
  handler: 'h',
  member: 'm',
  interceptors: [],
} as const

function deploymentOf(service: Described, options: Parameters<typeof manifestsFor>[1] = {}) {
  const text = manifestsFor(service, options).text('base/deployment.yaml') ?? ''
  const { spec } = parse(text)
  const pod = spec.template.spec
  return { text, spec, pod, container: pod.containers[0] }
}

function servicesOf(service: Described) {
  const text = manifestsFor(service).text('base/service.yaml')
  return text === undefined ? [] : parseAllDocuments(text).map((document) => document.toJS())
}

describe('the deployment', () => {
  it('has the numbers of the budget, each behind its reason', () => {
    const { spec, pod, container, text } = deploymentOf(described())
    expect(spec).toMatchObject({
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    })
    expect(spec).not.toHaveProperty('replicas')
    expect(pod.terminationGracePeriodSeconds).toBe(26)
    expect(container).not.toHaveProperty('lifecycle')
    expect(container.env).toContainEqual({ name: 'TENON_KILL_DELAY_MS', value: '26000' })
    for (const [name, fieldPath] of [
      ['POD_NAME', 'metadata.name'],
      ['POD_NAMESPACE', 'metadata.namespace'],
      ['POD_UID', 'metadata.uid'],
      ['NODE_NAME', 'spec.nodeName'],
    ])
      expect(container.env).toContainEqual({ name, valueFrom: { fieldRef: { fieldPath } } })
    expect(container.startupProbe).toMatchObject({
      httpGet: { path: '/startupz', port: 'admin' },
      failureThreshold: 50,
    })
    expect(text).toContain(
      '# shutdownTimeoutMs 25000 + 1000 ms for the process to end, rounded up\n      terminationGracePeriodSeconds: 26\n',
    )
  })

  it('sleeps before SIGTERM where the service does not wait itself', () => {
    const { limits } = described()
    const { container, pod } = deploymentOf(described({ limits: { ...limits, deregisterDelayInKubernetesMs: 0 } }))
    expect(container.lifecycle).toEqual({ preStop: { sleep: { seconds: 5 } } })
    expect(pod.terminationGracePeriodSeconds).toBe(31)
    expect(container.env).toContainEqual({ name: 'TENON_KILL_DELAY_MS', value: '26000' })
  })

  it('may do nothing that it does not need', () => {
    const { pod, container } = deploymentOf(described())
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
    })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(pod.volumes).toEqual([{ name: 'tmp', emptyDir: { sizeLimit: '64Mi' } }])
  })

  it.each([
    [['a', 'b'], false, undefined],
    [['a', ''], true, '# for place-1, whose secret.env.example does not set it; patch it to false elsewhere'],
    [['', ''], true, undefined],
  ])('lets a pod start without an optional secret only where a place has none: %j', (tokens, isOptional, note) => {
    const description = described({ settings: [{ ...setting, variable: 'TOKEN', isSecret: true }] })
    const overlays = tokens.map((token, index) => ({
      name: `place-${index}`,
      description,
      config: {},
      secrets: { TOKEN: token },
    }))
    const { files } = manifests({ overlays, options: { replicas: { min: 2, max: 6 } } })
    const text = files.find(({ path }) => path === 'base/deployment.yaml')?.text ?? ''
    const [container] = parse(text).spec.template.spec.containers
    expect(container.env.at(-1).valueFrom.secretKeyRef.optional).toBe(isOptional)
    expect(/# for place.*/.exec(text)?.[0]).toBe(note)
  })

  it('takes secrets one by one, optional where the setting is and no place has it, and everything else from the ConfigMap', () => {
    const settings = [
      { ...setting, variable: 'PASSWORD', isSecret: true, isRequired: true },
      { ...setting, variable: 'TOKEN', isSecret: true },
      { ...setting, variable: 'PLACE' },
    ]
    const { container } = deploymentOf(described({ settings }))
    const ref = (key: string, optional: boolean) => ({
      name: key,
      valueFrom: { secretKeyRef: { name: 'note-secret', key, optional } },
    })
    expect(container.env.slice(-2)).toEqual([ref('PASSWORD', false), ref('TOKEN', true)])
    expect(JSON.stringify(container.env).match(/secretKeyRef/g)).toHaveLength(2)
    expect(container.envFrom).toEqual([{ configMapRef: { name: 'note-config' } }])
  })

  it('says which checks decide about its probes', () => {
    const checks = [checked('db', { affects: 'readiness' }), checked('heap', { affects: 'liveness' })]
    const { text } = deploymentOf(described({ checks }))
    expect(text).toMatch(/# decided by db\n +readinessProbe:/)
    expect(text).toMatch(/# decided by heap\n +livenessProbe:/)
  })

  it('limits memory by the calls that may run and wait, and never the CPU', () => {
    const { limits } = described()
    const resourcesWith = (more: Partial<typeof limits>) =>
      deploymentOf(described({ limits: { ...limits, ...more } })).container.resources
    expect(resourcesWith({})).toEqual({ requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '512Mi' } })
    expect(resourcesWith({ maxConcurrentCalls: 1024 })).toMatchObject({
      requests: { memory: '384Mi' },
      limits: { memory: '768Mi' },
    })
    expect(resourcesWith({ maxConcurrentCalls: 1024, maxQueuedCalls: 1 }).limits).toEqual({ memory: '642Mi' })
  })

  it('says that a tag is for one build, for a node does not look again', () => {
    expect(deploymentOf(described()).text).toMatch(
      /# a node keeps .* give each build a tag of its own .*\n +imagePullPolicy: IfNotPresent\n/,
    )
  })

  it('runs the image that was named, else that of its version, whose + no tag may have', () => {
    expect(deploymentOf(described({ version: '1.0.0+7' })).container.image).toBe('note:1.0.0-7')
    expect(deploymentOf(described(), { image: 'registry:5000/note:2' }).container.image).toBe('registry:5000/note:2')
  })
})

describe('the services', () => {
  it('are one for all there is to reach, and one without an address of its own for gRPC', () => {
    const transports = [listening('http', 3000), listening('grpc', 50_051), queue]
    const grpc = { name: 'grpc', port: 50_051, targetPort: 'grpc', appProtocol: 'kubernetes.io/h2c' }
    const found = servicesOf(described({ transports }))
    expect(found).toMatchObject([
      {
        metadata: { name: 'note' },
        spec: { ports: [{ name: 'http', port: 3000, targetPort: 'http', appProtocol: 'http' }, grpc] },
      },
      {
        metadata: { name: 'note-grpc' },
        spec: { clusterIP: 'None', publishNotReadyAddresses: false, ports: [grpc] },
      },
    ])
    expect(found[0].spec).not.toHaveProperty('clusterIP')
  })

  it('are none for a worker that nobody calls', () => {
    const { files, text } = manifestsFor(described({ transports: [queue] }))
    expect(files.map(({ path }) => path)).not.toContain('base/service.yaml')
    expect(parse(text('base/kustomization.yaml') ?? '').resources).not.toContain('service.yaml')
  })
})

describe('the autoscaler', () => {
  const scalerOf = (fields: Partial<Described>) =>
    manifestsFor(described(fields), { replicas: { min: 3, max: 9 } }).text('base/horizontal-pod-autoscaler.yaml') ?? ''

  it('keeps to its range, and takes away one pod in the time that one may drain', () => {
    const { spec } = parse(scalerOf({}))
    expect(spec).toMatchObject({ minReplicas: 3, maxReplicas: 9 })
    expect(spec.behavior.scaleDown).toEqual({
      stabilizationWindowSeconds: 300,
      policies: [{ type: 'Pods', value: 1, periodSeconds: 26 }],
    })
  })

  it('says what more replicas do to topics and schedules', () => {
    const text = scalerOf({
      consumers: [
        { ...consumer, topic: 'shop.placed', group: 'note' },
        { ...consumer, topic: 'shop.told', group: undefined },
      ],
      schedules: [{ ...schedule, name: 'tidy' }],
    })
    expect(text).toContain('# of shop.placed: more replicas than a topic has partitions take no message of it')
    expect(text).toContain('# each replica runs tidy: nothing elects one')
  })
})

describe('manifests', () => {
  it('are a base, and an overlay whose settings are the user’s own', () => {
    const settings = [{ ...setting, variable: 'TOKEN', isSecret: true }]
    const { files } = manifestsFor(described({ settings }), { metricsPort: 9464, partOf: 'shop' })
    expect(files.map(({ path, isStarter = false }) => (isStarter ? `${path} *` : path))).toEqual([
      'base/service-account.yaml',
      'base/deployment.yaml',
      'base/service.yaml',
      'base/pod-disruption-budget.yaml',
      'base/horizontal-pod-autoscaler.yaml',
      'base/service-monitor.yaml',
      'base/kustomization.yaml',
      'overlays/production/kustomization.yaml *',
      'overlays/production/config.env *',
      'overlays/production/secret.env.example *',
      'overlays/production/network-policy.yaml',
    ])
    for (const { path, text, isStarter } of files)
      if (!isStarter) expect(text, path).toContain('# Generated by tenon generate kubernetes for note.\n')
    for (const path of ['base/deployment.yaml', 'overlays/production/network-policy.yaml'])
      expect(parse(files.find((file) => file.path === path)?.text ?? '').metadata.labels).toEqual({
        'app.kubernetes.io/name': 'note',
        'app.kubernetes.io/version': '1.2.3',
        'app.kubernetes.io/managed-by': 'tenon',
        'app.kubernetes.io/part-of': 'shop',
      })
  })

  it('give the image of the node only to the overlay that is local', () => {
    const overlays = ['local', 'production'].map((name) => ({
      name,
      description: described(),
      config: {},
      secrets: {},
    }))
    const { files } = manifests({ overlays, options: { image: 'reg:5000/note:2', replicas: { min: 2, max: 6 } } })
    const images = (name: string) =>
      parse(files.find(({ path }) => path === `overlays/${name}/kustomization.yaml`)?.text ?? '').images
    expect(images('local')).toEqual([{ name: 'reg:5000/note', newTag: 'local' }])
    expect(images('production')).toBeUndefined()
  })

  it('let Prometheus find the page that was named, and reach it', () => {
    const { text } = manifestsFor(described(), { metricsPort: 9464 })
    const [service, monitor] = parseAllDocuments(text('base/service-monitor.yaml') ?? '').map((one) => one.toJS())
    expect(service).toMatchObject({
      spec: { ports: [{ name: 'metrics', port: 9464 }], publishNotReadyAddresses: true },
    })
    expect(service.metadata.labels).toMatchObject(monitor.spec.selector.matchLabels)
    expect(monitor.spec.endpoints).toEqual([{ port: 'metrics' }])
    const policy = parse(text('overlays/production/network-policy.yaml') ?? '')
    expect(policy.spec.ingress[0].ports).toContainEqual({ port: 9464 })
  })

  it('warn of a remote that is the pod itself, of a queue without a broker, of a registry, and of a secret that nobody set', () => {
    const service = described({
      remotes: [{ ...remote, address: 'static:///127.0.0.1:50051' }],
      transports: [{ name: 'queue', carriesEvents: true, provides: [] }],
      isRegistered: true,
      settings: [
        { ...setting, variable: 'STOCK_URL', isSecret: true },
        { ...setting, variable: 'STOCK_PASSWORD', isSecret: true },
        { ...setting, variable: 'DATABASE_URL', isSecret: true },
      ],
    })
    const { warnings, text } = manifestsFor(service, {}, { secrets: { DATABASE_URL: 'postgres://db:5432/a' } })
    expect(warnings).toEqual([
      'overlays/production: remote shop.User is at 127.0.0.1:50051, which is the pod itself: set the variable it comes from in config.env, then generate again',
      expect.stringContaining('overlays/production: transport queue names no broker'),
      expect.stringContaining('overlays/production: the registry is missing from the network policy'),
      expect.stringContaining('overlays/production: STOCK_URL is not set in secret.env.example'),
    ])
    expect(text('overlays/production/network-policy.yaml')).toContain(
      '# No rule for remote shop.User at 127.0.0.1:50051, which is the pod itself',
    )
  })

  it('warn of a required setting that a place does not have', () => {
    const settings = [
      { ...setting, variable: 'PLACE', isRequired: true },
      { ...setting, variable: 'NOTE' },
    ]
    expect(manifestsFor(described({ settings })).warnings).toEqual([
      'overlays/production: PLACE is required, but config.env does not set it',
    ])
    expect(manifestsFor(described({ settings }), {}, { config: { PLACE: 'here' } }).warnings).toEqual([])
  })

  it('warn of none that a source may have, which the pods may reach', () => {
    const settings = [{ ...setting, variable: 'PLACE', isRequired: true }]
    const configSources = [{ name: 'consul config/', isRequired: true, connectsTo: ['consul:8500'] }]
    const { warnings, text } = manifestsFor(described({ settings, configSources }))
    expect(warnings).toEqual([])
    expect(text('overlays/production/network-policy.yaml')).toContain('# settings from consul config/: consul:8500')
  })

  it.each([{}, { DATABASE_URL: '' }])('warn of a required secret that its file leaves empty: %j', (secrets) => {
    const settings = [{ ...setting, variable: 'DATABASE_URL', isSecret: true, isRequired: true }]
    expect(manifestsFor(described({ settings }), {}, { secrets }).warnings).toEqual([
      expect.stringContaining('DATABASE_URL is not set in secret.env.example'),
    ])
  })

  it('refuse a secret among the settings that anybody may read', () => {
    const settings = [{ ...setting, variable: 'TOKEN', isSecret: true }]
    expect(() => manifestsFor(described({ settings }), {}, { config: { TOKEN: 'a' } })).toThrow(
      'overlays/production/config.env: TOKEN is a secret',
    )
  })

  it('refuse overlays whose settings would need bases of their own', () => {
    const overlays = [3000, 3001].map((port, index) => ({
      name: `place-${index}`,
      description: described({ transports: [listening('http', port)] }),
      config: {},
      secrets: {},
    }))
    expect(() => manifests({ overlays, options: { replicas: { min: 2, max: 6 } } })).toThrow(
      'note: base/deployment.yaml would differ between overlays: "containerPort: 3000" in place-0, "containerPort: 3001" in place-1',
    )
  })

  it.each(['note-', 'n'.repeat(56)])('refuse the name %s, which no Service can have', (name) => {
    expect(() => manifestsFor(described({ name }))).toThrow('names nothing in Kubernetes')
  })
})

describe('a service that finds others by a registry', () => {
  const looking = {
    remotes: [
      { ...remote, address: 'registry:///user' },
      { ...remote, address: 'registry:///stock.depot' },
    ],
    providers: [{ name: 'ServiceDirectory', needs: [], isChecked: false }],
  }
  const found = [
    { to: [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'user' } } }] },
    {
      to: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'depot' } },
          podSelector: { matchLabels: { 'app.kubernetes.io/name': 'stock' } },
        },
      ],
    },
  ]
  const kubernetes = { name: 'kubernetes', canFind: true, connectsTo: ['10.0.0.1:443'] }
  const egressOf = (service: Described) =>
    parse(manifestsFor(service).text('overlays/production/network-policy.yaml') ?? '').spec.egress.slice(1)

  it('may reach the registry and whomever that finds', () => {
    const registry = { name: 'consul', canFind: true, connectsTo: ['consul:8500'] }
    const service = described({ ...looking, registry, isRegistered: true })
    expect(manifestsFor(service).warnings).toEqual([])
    expect(egressOf(service)).toEqual([
      { to: [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'consul' } } }], ports: [{ port: 8500 }] },
      ...found,
    ])
    expect(deploymentOf(service).pod.automountServiceAccountToken).toBe(false)
    expect(manifestsFor(service).text('base/role.yaml')).toBeUndefined()
  })

  it('has a token for the API server, and a role that lets it read EndpointSlices and nothing else, where that is Kubernetes', () => {
    const service = described({ ...looking, registry: kubernetes })
    expect(egressOf(service)).toEqual([...found, { ports: [{ port: 443 }, { port: 6443 }] }])
    expect(deploymentOf(service).pod.automountServiceAccountToken).toBe(true)
    const { text } = manifestsFor(service)
    expect(parse(text('base/service-account.yaml') ?? '').automountServiceAccountToken).toBe(true)
    const [role, binding] = parseAllDocuments(text('base/role.yaml') ?? '').map((document) => document.toJS())
    expect(role.rules).toEqual([
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ])
    expect(binding).toMatchObject({
      roleRef: { kind: 'Role', name: role.metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: 'note' }],
    })
    expect(parse(text('base/kustomization.yaml') ?? '').resources).toContain('role.yaml')
  })

  it('has neither where it looks for nobody', () => {
    const { text } = manifestsFor(described({ registry: { name: 'kubernetes', canFind: true } }))
    expect(text('base/role.yaml')).toBeUndefined()
    expect(text('base/deployment.yaml')).toContain('automountServiceAccountToken: false')
  })

  it('is warned of each that is in another namespace, where its role does not count', () => {
    expect(manifestsFor(described({ ...looking, registry: kubernetes })).warnings).toEqual([
      'overlays/production: registry:///stock.depot: the role of the pods is for their own namespace. If that is not depot, bind them to a Role of depot that lets them list and watch EndpointSlices, as in the README of @tenon/registry-kubernetes',
    ])
    const [near] = looking.remotes
    expect(manifestsFor(described({ ...looking, remotes: near ? [near] : [], registry: kubernetes })).warnings).toEqual(
      [],
    )
  })

  it('may ask the servers of its DNS over UDP and TCP', () => {
    const registry = { name: 'dns', canFind: true, connectsTo: ['10.0.0.10:5353', '[2001:db8::1]:53'] }
    const [first, second] = egressOf(described({ ...looking, registry }))
    const portsAt = (port: number) => [
      { protocol: 'UDP', port },
      { protocol: 'TCP', port },
    ]
    expect(first).toEqual({ to: [{ ipBlock: { cidr: '10.0.0.10/32' } }], ports: portsAt(5353) })
    expect(second).toEqual({ to: [{ ipBlock: { cidr: '2001:db8::1/128' } }], ports: portsAt(53) })
  })

  it('is warned that a policy does not have the addresses of a static registry', () => {
    const registry = { name: 'static', canFind: true }
    expect(manifestsFor(described({ ...looking, registry })).warnings).toEqual([
      'overlays/production: the addresses of the static registry are missing from the network policy: patch it there, unless they are those of pods that are called like the services',
    ])
    expect(manifestsFor(described({ registry })).warnings).toEqual([])
  })
})
