import { describe, test } from 'vitest'
import { memoryRegistryHarness } from './memory-registry-harness.ts'
import { registryConformance } from './registry-conformance.ts'
import { altered } from './registry-fault.test-harness.ts'

describe('the memory registry', () => registryConformance(memoryRegistryHarness(), test))

// Also what shows that the faults planted in it are the only ones.
describe('a registry with a server', () => registryConformance(altered(), test.concurrent))
