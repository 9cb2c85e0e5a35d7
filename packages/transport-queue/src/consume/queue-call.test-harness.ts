import { processConvention } from '@tenon/core/telemetry'
import type { QueueCallFacts } from './queue-call.ts'

/** What is told of a call in which only its message matters. */
export const callFacts = {
  transport: 'queue',
  system: 'memory',
  convention: processConvention({ system: 'memory', topic: 't', group: 'g' }),
  attempt: 1,
  timeoutMs: 1,
  beganAt: 0,
} satisfies Omit<QueueCallFacts, 'message'>
