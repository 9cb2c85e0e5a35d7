import type { Field } from './field.ts'

/** Containers that run as long as the pod: ordinary ones, and init containers that are restarted. */
export function lastingContainers(pod: Field): readonly Field[] {
  return [...pod.at('containers').items, ...pod.at('initContainers').items.filter(isRestarted)]
}

/** A sidecar of Kubernetes: it starts before the ordinary containers and ends after them. */
function isRestarted(container: Field): boolean {
  return container.at('restartPolicy').text === 'Always'
}

/** A reference such as `registry:5000/shop/user:1.2.0@sha256:…`. */
export interface ImageReference {
  /** The last part of its name: `user`. */
  readonly name: string
  readonly tag: string | undefined
  readonly hasDigest: boolean
}

/** @see OCI distribution specification, and Docker's reference grammar */
export function imageOf(container: Field): ImageReference | undefined {
  const text = container.at('image').text
  if (text === undefined) return undefined
  const [reference = '', digest] = text.split('@')
  const [name = '', tag] = reference.slice(reference.lastIndexOf('/') + 1).split(':')
  return { name, tag, hasDigest: digest !== undefined }
}
