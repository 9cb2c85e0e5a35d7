export type { KubernetesRegistryOptions } from './kubernetes-options.ts'
export { type KubernetesRegistry, kubernetesRegistry } from './kubernetes-registry.ts'
