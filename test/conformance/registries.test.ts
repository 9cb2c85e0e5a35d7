import { memoryRegistryHarness, registryConformance } from '@tenon/testing/registry'
import { describe, test } from 'vitest'
import { dnsAddressHarness, dnsServiceHarness } from './registry/dns-harness.ts'
import { staticHarness } from './registry/static-harness.ts'

describe.each([memoryRegistryHarness(), staticHarness, dnsAddressHarness, dnsServiceHarness])('$name', (harness) =>
  registryConformance(harness, test.concurrent),
)
