import type { ServiceDescription } from '@tenon/core'
import { noted } from './yaml-text.ts'

/**
 * What a pod asks for and what it may take. Only the calls are declared by the code; the rest are guesses, and say so.
 *
 * There is no limit of CPU: the kernel would stop the event loop for the rest of each period, calls and probes with it.
 */
export function podResources({ limits }: ServiceDescription): object {
  const { maxConcurrentCalls, maxQueuedCalls } = limits
  const callCount = maxConcurrentCalls === undefined ? 0 : maxConcurrentCalls + (maxQueuedCalls ?? maxConcurrentCalls)
  const memoryMebibytes = baseMebibytes + Math.ceil((callCount * callKibibytes) / 1024)
  const reason =
    maxConcurrentCalls === undefined
      ? `a guess: the code has no maxConcurrentCalls, by which it could be told; measure and patch it`
      : `${baseMebibytes}Mi for Node and the code, ${callKibibytes}Ki for each of ${callCount} calls that run or wait (maxConcurrentCalls, maxQueuedCalls): both guesses, measure and patch it`
  const memory = `${memoryMebibytes}Mi`
  return {
    requests: {
      cpu: noted('100m', 'a guess: what it takes between bursts; measure and patch it'),
      memory: noted(memory, 'as the limit, so that nobody else is promised it'),
    },
    limits: noted(
      { memory: noted(memory, reason) },
      'none for cpu: the kernel would stop the event loop for the rest of each period, and the probes with it',
    ),
  }
}

const baseMebibytes = 256

const callKibibytes = 64
