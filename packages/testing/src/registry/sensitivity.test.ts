import { beforeAll, describe, expect, it } from 'vitest'
import { registryCases } from './registry-cases.ts'
import { failedOf, faulty } from './registry-fault.test-harness.ts'
import { registryFaults } from './registry-faults.test-harness.ts'
import { servedHarness } from './served-registry.test-harness.ts'

const titles = registryCases(servedHarness()).map(({ title }) => title)

describe('the suite finds a registry that', () => {
  const tried = new Map<string, Promise<readonly string[]>>()

  // Side by side: most of them wait in vain.
  beforeAll(() => {
    for (const fault of registryFaults) tried.set(fault.what, failedOf(faulty(fault), fault.found))
  })

  it.each(registryFaults)('$what', async ({ what, found }) => {
    expect(await tried.get(what)).toEqual(titles.filter((title) => found.includes(title)))
  })

  it('fails each of its cases in one way at least', () => {
    const found = new Set(registryFaults.flatMap((fault) => fault.found))
    expect(titles.filter((title) => !found.has(title))).toEqual([])
    expect([...found].filter((title) => !titles.includes(title))).toEqual([])
  })
})
