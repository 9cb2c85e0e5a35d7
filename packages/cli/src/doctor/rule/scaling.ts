import type { Fault, Rule } from '../finding.ts'
import { lastingContainers } from '../manifest/container.ts'
import type { Field } from '../manifest/field.ts'
import { hasCallers, specOf, type Subject } from '../subject.ts'

const scalesToOne: Rule = {
  id: 'scales-to-one',
  severity: 'warning',
  find: (subject) => {
    if (!hasCallers(subject)) return []
    return subject.autoscalers.flatMap(({ root }): readonly Fault[] => {
      const at = root.at('spec', 'minReplicas')
      if ((at.number ?? 1) > 1) return []
      const message = `minReplicas ${at.number ?? '1 (the default)'}: in quiet hours one pod is all there is, and its node's end is an outage`
      return [{ at, message, fix: 'minReplicas: 2' }]
    })
  },
}

const scalesOther: Rule = {
  id: 'scales-nothing',
  severity: 'error',
  find: (subject) => {
    const { manifest, manifests } = subject
    return manifests
      .filter(
        ({ kind, name, root }) =>
          kind === 'HorizontalPodAutoscaler' && [name, targetOf(root).at('name').text].includes(manifest.name),
      )
      .filter(({ root }) => !manifests.some((other) => isTarget(targetOf(root), other.root)))
      .map(({ root }) => ({
        at: targetOf(root),
        message: `the autoscaler scales ${targetOf(root).at('kind').text}/${targetOf(root).at('name').text}, which is not there: ${manifest.root.object} is never scaled`,
        fix: `scaleTargetRef: { apiVersion: apps/v1, kind: ${manifest.kind}, name: ${manifest.name} }`,
      }))
  },
}

const scalesWithoutRequest: Rule = {
  id: 'scales-without-request',
  severity: 'error',
  find: (subject) =>
    subject.autoscalers.flatMap(({ root }) =>
      measures(root).flatMap(({ at, resource, containerName }): readonly Fault[] => {
        const lacking = lastingContainers(subject.pod)
          .filter((container) => containerName === undefined || container.at('name').text === containerName)
          .filter((container) =>
            ['requests', 'limits'].every((kind) => !container.at('resources', kind, resource).isSet),
          )
          .map((container) => container.at('name').text)
        if (lacking.length === 0) return []
        const message = `the autoscaler measures ${resource} as a share of its request, and ${lacking.join(', ')} has none: it never scales`
        return [
          {
            at,
            message,
            fix: `resources: { requests: { ${resource}: ${resource === 'cpu' ? '100m' : '256Mi'} } } for ${lacking.join(', ')}`,
          },
        ]
      }),
    ),
}

const replicasBeside: Rule = {
  id: 'replicas-beside-autoscaler',
  severity: 'warning',
  find: (subject) => {
    const at = specOf(subject, 'replicas')
    const [autoscaler] = subject.autoscalers
    if (!at.isSet || autoscaler === undefined || isLive(subject)) return []
    const message = `each apply sets ${at.shown} replicas, whatever ${autoscaler.root.object} has found to be needed`
    return [{ at, message, fix: 'leave replicas out' }]
  },
}

export const scalingRules: readonly Rule[] = [scalesToOne, scalesOther, scalesWithoutRequest, replicasBeside]

function targetOf(root: Field): Field {
  return root.at('spec', 'scaleTargetRef')
}

function isTarget(target: Field, other: Field): boolean {
  return (
    other.at('kind').text === target.at('kind').text && other.at('metadata', 'name').text === target.at('name').text
  )
}

/** What the API server has holds the count that the autoscaler set. */
function isLive({ manifest }: Subject): boolean {
  return manifest.root.at('metadata', 'uid').isSet
}

interface Measure {
  readonly at: Field
  readonly resource: string
  /** Undefined for all of the pod. */
  readonly containerName: string | undefined
}

/** What is measured as a share of a request. @see Kubernetes API reference, HorizontalPodAutoscaler v1 and v2 */
function measures(root: Field): readonly Measure[] {
  const old = root.at('spec', 'targetCPUUtilizationPercentage')
  const first = old.isSet ? [{ at: old, resource: 'cpu', containerName: undefined }] : []
  const others = root.at('spec', 'metrics').items.flatMap((metric) => {
    const [ofPod, ofContainer] = [metric.at('resource'), metric.at('containerResource')]
    const at = ofContainer.isSet ? ofContainer : ofPod
    const resource = at.at('name').text
    if (resource === undefined || at.at('target', 'type').text !== 'Utilization') return []
    return [{ at, resource, containerName: ofContainer.at('container').text }]
  })
  return [...first, ...others]
}
