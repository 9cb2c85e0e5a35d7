import type { ClusterServers } from './shop-cluster.ts'

/** What the tests of a cluster need, by the variable that names it. */
const needed = {
  KUBECONFIG: 'a Kubernetes',
  DOCKER_HOST: 'a Docker engine, which builds the images',
  KAFKA_BROKERS: 'a Kafka',
  KAFKA_BROKERS_FOR_PODS: 'the same Kafka as pods reach it',
  DATABASE_URL: 'a PostgreSQL of this machine',
  TENON_INFRA: 'the scripts of the servers, of which kube.sh gives images to the node',
} as const

/** @throws Error that names what is missing */
export function requireServers(): ClusterServers & { readonly brokersHere: readonly string[]; readonly infra: string } {
  const missing = Object.entries(needed).filter(([name]) => !process.env[name])
  if (missing.length > 0)
    throw new Error(`tests of a cluster need ${missing.map(([name, what]) => `${name} (${what})`).join(', ')}`)
  const of = (name: keyof typeof needed) => process.env[name] ?? ''
  return {
    brokers: of('KAFKA_BROKERS_FOR_PODS'),
    brokersHere: of('KAFKA_BROKERS').split(','),
    databaseUrl: of('DATABASE_URL'),
    infra: of('TENON_INFRA'),
  }
}
