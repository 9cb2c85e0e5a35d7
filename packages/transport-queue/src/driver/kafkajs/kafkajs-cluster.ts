import type { Cluster, Consumer } from 'kafkajs'
import type { Kafkajs, KafkajsClient } from './kafkajs-client.ts'

/** What single requests go through. */
export interface OpenCluster {
  /** Connects it, and is to be disconnected. */
  readonly connection: Consumer
  readonly cluster: Cluster
}

/** A cluster for single requests. kafkajs hands one out to the assigners of a consumer only, so it is that of one that never joins. */
export function openCluster({ PartitionAssigners }: Kafkajs, { kafka }: KafkajsClient, groupId: string): OpenCluster {
  let cluster: Cluster | undefined
  const connection = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    partitionAssigners: [
      (config) => {
        cluster = config.cluster
        return PartitionAssigners.roundRobin(config)
      },
    ],
  })
  if (cluster === undefined) throw new Error('kafkajs made a consumer without asking its assigner')
  return { connection, cluster }
}
