import { test } from 'vitest'
import { memoryRegistryHarness } from './memory-registry-harness.ts'
import { registryConformance } from './registry-conformance.ts'

registryConformance(memoryRegistryHarness(), test)
