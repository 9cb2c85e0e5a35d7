import type { ServiceDescription } from '@tenon/core'
import { noted } from '../yaml-text.ts'

/**
 * What a pod asks for and what it may take. Only the calls are declared by the code; the rest are guesses, and say so.
 *
 * @see Node 24.21 in a container: of 1 GiB and 2 GiB its heap may take 560 MiB and 1120 MiB; of 512 MiB and of anything less 259 MiB,
 * so that a smaller container is killed before its heap is full.
 */
export function podResources({ limits }: ServiceDescription): object {
  const { maxConcurrentCalls, maxQueuedCalls } = limits
  const callCount = maxConcurrentCalls === undefined ? 0 : maxConcurrentCalls + (maxQueuedCalls ?? maxConcurrentCalls)
  const heapMebibytes = codeMebibytes + Math.ceil((callCount * callKibibytes) / 1024)
  const heapReason =
    maxConcurrentCalls === undefined
      ? `${codeMebibytes}Mi, a guess: the code has no maxConcurrentCalls, by which it could be told`
      : `${codeMebibytes}Mi for the code, ${callKibibytes}Ki for each of ${callCount} calls that run or wait (maxConcurrentCalls, maxQueuedCalls): both guesses`
  return {
    requests: {
      cpu: noted('100m', 'a guess: what it takes between bursts; measure and patch it'),
      memory: noted(`${heapMebibytes}Mi`, `what its heap may take: ${heapReason}; measure and patch it`),
    },
    limits: noted(
      { memory: noted(`${heapMebibytes * 2}Mi`, 'twice that: Node takes half of the limit for its heap') },
      'none for cpu: the kernel would stop the event loop for the rest of each period, and the probes with it',
    ),
  }
}

const codeMebibytes = 256

const callKibibytes = 64
