import { ratioOf, type Round, type Workload } from '../compare.ts'
import { compilePeers } from '../compile.ts'
import type { Figure } from '../figure.ts'
import { directGrpc, grpcTargets, largeLoad, protoLoaderGrpc, smallLoad, streamLoad, tenonGrpc } from './grpc.ts'
import { measureLoad, measureProcess, measureRate, type Peers, throughputRatioOf } from './peers.ts'

const nest = { name: 'NestJS 12 gRPC', path: 'peer/dist/nest-grpc' }
const peers: Peers = [
  tenonGrpc,
  { name: 'node:http2, canned', path: 'dist/server/canned-grpc' },
  directGrpc,
  protoLoaderGrpc,
  { name: 'connect-node', path: 'peer/dist/connect-grpc' },
  nest,
]

/** Tenon's gRPC transport beside other servers, all in one run, all doing the same work. */
export async function measureGrpcPeers(roundCount: number): Promise<readonly Figure[]> {
  await compilePeers()
  const figures: Figure[] = []
  for (const workload of [smallLoad, largeLoad, streamLoad]) figures.push(...(await measureCall(workload, roundCount)))
  figures.push(...(await measureRate(peers, smallLoad, roundCount)))
  return [...figures, ...(await measureProcess(peers, smallLoad, roundCount)).figures]
}

async function measureCall(workload: Workload, roundCount: number): Promise<readonly Figure[]> {
  const { figures, rounds } = await measureLoad(peers, workload, roundCount)
  return [...figures, ...compare(workload, rounds)]
}

/** Ours beside each of the others that has a target, and what of ours the wire itself costs. */
function compare(workload: Workload, rounds: readonly Round[]): readonly Figure[] {
  const isUnary = workload !== streamLoad
  const cpuRatio = (index: number, target?: number): Figure => ({
    name: `${workload.name}: CPU, Tenon / ${peers[index]?.name}`,
    unit: '×',
    spread: ratioOf(rounds, index),
    ...(isUnary && target !== undefined && { target }),
  })
  return [
    cpuRatio(peers.indexOf(protoLoaderGrpc), grpcTargets.protoLoader),
    cpuRatio(peers.indexOf(directGrpc), grpcTargets.direct),
    cpuRatio(1),
    {
      name: `${workload.name}: requests/s, NestJS / Tenon`,
      unit: '×',
      spread: throughputRatioOf(rounds, peers.indexOf(nest), 0),
      ...(isUnary && { target: 1 / 1.4 }),
    },
  ]
}
