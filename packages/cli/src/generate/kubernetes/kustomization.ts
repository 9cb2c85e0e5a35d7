import type { GeneratedFile } from '../generated-file.ts'
import type { Names } from './names.ts'
import { manifestText } from './manifest-text.ts'

/** The list of what the base consists of. */
export function baseKustomization(resources: readonly string[]): object {
  return { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources }
}

/** The `kustomization.yaml` that an overlay begins with. Only `local` has a tag of its own: others run the version that the base names. */
export function overlayKustomization(overlay: string, image: string, names: Names): GeneratedFile {
  const head = [
    `${names.service} in ${overlay}. This file is yours: generate writes it once. Patches of the base belong here.`,
  ]
  const kustomization = {
    ...baseKustomization(['../../base', 'network-policy.yaml']),
    configMapGenerator: [{ name: names.configMap, envs: ['config.env'] }],
    images: overlay === 'local' ? [{ name: withoutTag(image), newTag: 'local' }] : undefined,
  }
  return { path: `overlays/${overlay}/kustomization.yaml`, text: manifestText(head, [kustomization]), isStarter: true }
}

/** A port of a registry is no tag. */
function withoutTag(image: string): string {
  return image.replace(/:[^:/]+$/, '')
}
