export { conformance, type TestFunction } from './conformance.ts'
export { type ConformanceCase, conformanceCases, type Lack } from './conformance-cases.ts'
export { type Feature, features, type Lacks } from './feature.ts'
export type {
  ConformanceHarness,
  Peer,
  PeerCall,
  PeerEvent,
  PeerFailure,
  PeerReply,
  PeerStep,
  PeerSuccess,
  ServiceUnderTest,
} from './harness.ts'
export { memoryHarness } from './memory-harness.ts'
