import { describe, expect, test } from 'vitest'
import { memoryRegistryHarness } from './memory-registry-harness.ts'
import { registryCases } from './registry-cases.ts'
import { registryConformance } from './registry-conformance.ts'
import { type RegistryFeature, registryFeatures, type RegistryLacks } from './registry-feature.ts'
import { servedHarness } from './served-registry.test-harness.ts'

describe('a registry that lacks something', () => {
  const harness = { ...servedHarness(), name: 'mine', lacks: { announce: 'it only finds' } }

  test('is not asked for it, and its reason is in the title', () => {
    const tests: string[] = []
    const skipped: string[] = []
    const register = Object.assign((title: string) => tests.push(title), {
      skip: (title: string) => skipped.push(title),
    })
    registryConformance(harness, register)
    const suffix = ' (lacks announce: it only finds)'
    expect(skipped).toContain(`announce: an instance is there when announce resolves${suffix}`)
    expect(skipped.every((title) => title.endsWith(suffix))).toBe(true)
    expect(tests.length + skipped.length).toBe(registryCases(harness).length)
  })

  test('does not pass when its case is run all the same', async () => {
    const lacking = registryCases(harness).find(({ lacks }) => lacks?.feature === 'announce')
    await expect(lacking?.run()).rejects.toThrow('mine lacks announce: it only finds')
  })

  test.each([
    [{ announces: 'x' }, 'mine: lacks: "announces" is none of announce, '],
    [{ announce: ' ' }, 'mine: lacks: expected the reason why it lacks announce, found  '],
  ])('must say what and why: %o', (lacks, message) => {
    expect(() => registryCases({ ...harness, lacks: lacks as RegistryLacks })).toThrow(message)
  })

  test.each([
    ['forget', 'loss: an instance that the registry forgot is announced again'],
    ['cut', 'outage: the last list stays, the watch goes on, and the trouble is told'],
    ['corrupt', 'snapshot: records that cannot be read are left out, and told of'],
  ])('and has no %s() without saying so, fails', async (method, title) => {
    const cases = registryCases({ ...memoryRegistryHarness(), lacks: {} })
    const message = `the harness has no ${method}(), and does not say that it lacks what needs it`
    await expect(cases.find((one) => one.title === title)?.run()).rejects.toThrow(message)
  })
})

test('long cases are run where that is asked for only, and have their time', () => {
  const long = (areLongCasesRun: boolean) =>
    registryCases({ ...servedHarness(), areLongCasesRun, longOutageMs: 30_000 }).find(({ name }) =>
      name.startsWith('a long'),
    )
  expect(long(false)?.lacks).toEqual({ feature: 'long', reason: 'areLongCasesRun is not set' })
  const others = registryCases(servedHarness())[0]?.limitMs ?? 0
  expect(long(true)).toMatchObject({ lacks: undefined, limitMs: others + 30_000 })
})

test('every case has a title of its own, and every feature is needed by one', () => {
  const all = { ...servedHarness(), lacks: {} }
  const cases = registryCases(all)
  expect(new Set(cases.map(({ title }) => title)).size).toBe(cases.length)
  const names = Object.keys(registryFeatures) as readonly RegistryFeature[]
  const unneeded = names.filter((feature) =>
    registryCases({ ...all, lacks: { [feature]: 'why' } }).every(({ lacks }) => lacks === undefined),
  )
  // The case about closing looks at connections where they can be counted.
  expect(unneeded).toEqual(['link.count'])
})
