import type { SettingDescription, ServiceDescription } from '@tenon/core'
import type { ManifestOptions, OverlayInput } from './manifest-input.ts'
import { asksApiServer } from './endpoint-reader.ts'
import { downwardFields } from './env-file.ts'
import type { Names } from './names.ts'
import { type PodBudget, podBudget, type Reasoned, startupPeriodSeconds } from './pod-budget.ts'
import type { PodPorts } from './pod-port.ts'
import { podResources } from './pod-resources.ts'
import { noted } from '../yaml-text.ts'
import { tagOf } from '../version-tag.ts'
import { userId } from '../pod-facts.ts'

/** What the Deployment is made from. */
export interface DeploymentInput {
  readonly service: ServiceDescription
  readonly names: Names
  readonly ports: PodPorts
  readonly options: ManifestOptions
  /** All that the base is for. */
  readonly overlays: readonly Pick<OverlayInput, 'name' | 'secrets'>[]
}

/** Its replicas are the autoscaler's, so that it has none of its own. */
export function deployment(input: DeploymentInput): object {
  const { service, names } = input
  const budget = podBudget(service)
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: names.service, labels: names.labels },
    spec: {
      progressDeadlineSeconds: reasoned(budget.progressDeadlineSeconds),
      selector: { matchLabels: names.selector },
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: noted({ maxSurge: 1, maxUnavailable: 0 }, 'a new pod is ready before an old one goes'),
      },
      template: { metadata: { labels: names.labels }, spec: podSpec(input, budget) },
    },
  }
}

function podSpec(input: DeploymentInput, budget: PodBudget): object {
  const { names, service } = input
  return {
    serviceAccountName: names.service,
    automountServiceAccountToken: asksApiServer(service)
      ? noted(true, 'it finds others by the API server, as role.yaml allows')
      : noted(false, 'it asks nothing of the API server'),
    enableServiceLinks: noted(false, 'no variables for every Service of the namespace: they would look like settings'),
    terminationGracePeriodSeconds: reasoned(budget.gracePeriodSeconds),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: noted(userId, 'the user of the image'),
      runAsGroup: userId,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: names.selector },
      matchLabelKeys: ['pod-template-hash'],
    })),
    containers: [container(input, budget)],
    volumes: [
      {
        name: 'tmp',
        emptyDir: {
          sizeLimit: noted('64Mi', 'a guess: the only place that can be written; a pod above it is evicted'),
        },
      },
    ],
  }
}

function container({ service, names, ports, options, overlays }: DeploymentInput, budget: PodBudget): object {
  const { preStopSeconds } = budget
  return {
    name: names.service,
    image: options.image ?? `${names.service}:${tagOf(service.version)}`,
    imagePullPolicy: noted(
      'IfNotPresent',
      'a node keeps what it has of a tag: give each build a tag of its own (--image, or images of the overlay)',
    ),
    ports: [...ports.transports, ports.admin].map(({ name, number }) => ({ name, containerPort: number })),
    env: [
      { name: 'TENON_HOST', value: '0.0.0.0' },
      noted({ name: 'TENON_KILL_DELAY_MS', value: String(budget.killDelayMs.value) }, budget.killDelayMs.reason),
      ...Object.entries(downwardFields).map(([name, fieldPath]) => ({ name, valueFrom: { fieldRef: { fieldPath } } })),
      ...service.settings.filter(({ isSecret }) => isSecret).map((setting) => secretVariable(setting, names, overlays)),
    ],
    envFrom: [{ configMapRef: { name: names.configMap } }],
    ...probes(service, budget),
    ...(preStopSeconds && { lifecycle: { preStop: { sleep: { seconds: reasoned(preStopSeconds) } } } }),
    resources: podResources(service),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  }
}

/** @see docs/probes.md, "In a pod" */
function probes({ checks }: ServiceDescription, budget: PodBudget): object {
  const probe = (path: string, numbers: object) => ({ httpGet: { path, port: 'admin' }, ...numbers })
  return {
    startupProbe: probe('/startupz', {
      periodSeconds: startupPeriodSeconds,
      timeoutSeconds: 1,
      failureThreshold: reasoned(budget.startupFailures),
    }),
    readinessProbe: noted(
      probe('/readyz', {
        periodSeconds: reasoned(budget.readinessPeriodSeconds),
        timeoutSeconds: 1,
        failureThreshold: noted(2, 'a probe that is late once is forgiven'),
      }),
      decidedBy(checks, 'readiness'),
    ),
    livenessProbe: noted(
      probe('/livez', {
        periodSeconds: 10,
        timeoutSeconds: noted(5, 'a process that is busy answers late'),
        failureThreshold: noted(3, 'one that hangs is found after half a minute'),
      }),
      decidedBy(checks, 'liveness'),
    ),
  }
}

function decidedBy(checks: ServiceDescription['checks'], affects: 'liveness' | 'readiness'): string {
  const names = checks.filter((check) => check.affects === affects).map(({ name }) => name)
  return names.length === 0 ? 'no check decides about it, only the process itself' : `decided by ${names.join(', ')}`
}

/** A pod must not start with the fallback of the code where a place says that it has the secret: a key with a typo would go unseen. */
function secretVariable(
  { variable, isRequired }: SettingDescription,
  names: Names,
  overlays: DeploymentInput['overlays'],
): unknown {
  const without = overlays.filter(({ secrets }) => !secrets[variable]).map(({ name }) => name)
  const isOptional = !isRequired && without.length > 0
  const isMixed = isOptional && without.length < overlays.length
  const optional = isMixed
    ? noted(true, `for ${without.join(', ')}, whose secret.env.example does not set it; patch it to false elsewhere`)
    : isOptional
  const secretKeyRef = { name: names.secret, key: variable, optional }
  return { name: variable, valueFrom: { secretKeyRef } }
}

function reasoned({ value, reason }: Reasoned): unknown {
  return noted(value, reason)
}
