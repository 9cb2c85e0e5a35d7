export {
  etcdDefaults,
  type EtcdOptions,
  etcdRegistryDefaults,
  type EtcdRegistryOptions,
  type EtcdSourceOptions,
} from './etcd-options.ts'
export { etcdRegistry } from './etcd-registry.ts'
export { etcdSource } from './etcd-source.ts'
export type { EtcdTlsOptions } from './etcd-tls.ts'
