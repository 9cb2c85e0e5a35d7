import { describe, test } from 'vitest'
import { memoryRegistryHarness } from './memory-registry-harness.ts'
import { registryConformance } from './registry-conformance.ts'
import { servedHarness } from './served-registry.test-harness.ts'

describe('the memory registry', () => registryConformance(memoryRegistryHarness(), test))

describe('a registry with a server', () => registryConformance(servedHarness(), test.concurrent))
