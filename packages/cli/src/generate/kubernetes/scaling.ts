import type { ServiceDescription } from '@tenon/core'
import type { ManifestOptions } from './manifest-input.ts'
import type { Names } from './names.ts'
import { podBudget } from './pod-budget.ts'
import { noted } from '../yaml-text.ts'

/** Lets nodes be emptied one pod after another, also where there is only one. */
export function disruptionBudget({ service, labels, selector }: Names): object {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: service, labels },
    spec: {
      maxUnavailable: noted(1, 'minAvailable would never let go of a single pod'),
      unhealthyPodEvictionPolicy: noted(
        'AlwaysAllow',
        'a pod that is not ready serves nobody, and must not keep a node',
      ),
      selector: { matchLabels: selector },
    },
  }
}

/** Replicas by CPU. */
export function autoscaler(
  service: ServiceDescription,
  names: Names,
  { replicas }: Pick<ManifestOptions, 'replicas'>,
): object {
  const { gracePeriodSeconds } = podBudget(service)
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: names.service, labels: names.labels },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: names.service },
      minReplicas: withNote(replicas.min, schedulesNote(service)),
      maxReplicas: withNote(replicas.max, topicsNote(service)),
      metrics: [
        {
          type: 'Resource',
          resource: {
            name: 'cpu',
            target: {
              type: 'AverageValue',
              averageValue: noted('500m', 'half of the one core that an event loop can use: a guess'),
            },
          },
        },
      ],
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: noted(300, 'what Kubernetes takes by itself'),
          policies: [
            {
              type: 'Pods',
              value: 1,
              periodSeconds: noted(
                gracePeriodSeconds.value,
                'terminationGracePeriodSeconds: one pod has drained before the next goes',
              ),
            },
          ],
        },
      },
    },
  }
}

function withNote(value: number, note: string | undefined): unknown {
  return note === undefined ? value : noted(value, note)
}

/** Topics that are shared between the processes of a group; a broadcast goes to all of them. */
function topicsNote({ consumers, operations }: ServiceDescription): string | undefined {
  const topics = [
    ...consumers.filter(({ group }) => group !== undefined).map(({ topic }) => topic),
    ...operations.flatMap(({ command }) => command?.topic ?? []),
  ]
  return topics.length === 0
    ? undefined
    : `of ${[...new Set(topics)].join(', ')}: more replicas than a topic has partitions take no message of it`
}

/** @see docs/decision/0062-schedules.md */
function schedulesNote({ schedules }: ServiceDescription): string | undefined {
  return schedules.length === 0
    ? undefined
    : `each replica runs ${schedules.map(({ name }) => name).join(', ')}: nothing elects one`
}
