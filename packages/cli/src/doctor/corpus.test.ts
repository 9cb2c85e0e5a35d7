import { describe, expect, it } from 'vitest'
import { diagnosed, samplesOf, told } from './corpus.test-harness.ts'
import { rules } from './rules.ts'

const [wrong, right] = [samplesOf('wrong'), samplesOf('right')]

describe('a wrong manifest', () => {
  it.each(wrong.map((sample) => [sample.name, sample.about, sample] as const))(
    '%s: %s',
    async (_name, _about, sample) => {
      const diagnosis = await diagnosed(sample)
      expect(sample.expected).not.toEqual([])
      expect(told(diagnosis)).toEqual(sample.expected)
      for (const { message, fix } of diagnosis.findings) {
        expect(message.length).toBeGreaterThan(20)
        expect(fix).toMatch(/\S/)
        expect(`${message} ${fix}`).not.toMatch(/undefined|NaN|Infinity|\[object|""/)
      }
    },
  )
})

it('says of all of them where it is, why, and what to write', async () => {
  const texts = await Promise.all(
    wrong.map(async (sample) => {
      const { findings } = await diagnosed(sample)
      const lines = findings.map(
        ({ rule, severity, object, path, message, fix }) =>
          `${severity} ${rule} ${object} ${path}\n  ${message}\n  fix: ${fix}\n`,
      )
      return `── ${sample.name}: ${sample.about}\n${lines.join('')}`
    }),
  )
  await expect(texts.join('\n')).toMatchFileSnapshot('corpus/findings.txt')
})

describe('a right manifest', () => {
  it.each(right.map((sample) => [sample.name, sample.about, sample] as const))(
    '%s: %s',
    async (_name, _about, sample) => {
      expect(sample.expected).toEqual([])
      expect((await diagnosed(sample)).findings).toEqual([])
    },
  )
})

describe('the corpus', () => {
  it('is large enough, and each of its files says what was done', () => {
    expect(wrong.length).toBeGreaterThanOrEqual(30)
    expect(right.length).toBeGreaterThanOrEqual(12)
    for (const { name, about } of [...wrong, ...right]) expect(about, name).toMatch(/\w+ \w+/)
  })

  it('has a wrong manifest of each rule, which goes unnoticed without that rule', async () => {
    for (const rule of rules) {
      const samples = wrong.filter(({ expected }) => expected.some((one) => one.startsWith(`${rule.id} `)))
      expect(samples, rule.id).not.toEqual([])
      const others = rules.filter((other) => other !== rule)
      for (const sample of samples) expect(told(await diagnosed(sample, others)), rule.id).not.toEqual(sample.expected)
    }
  })

  it('names no rule that is not there', () => {
    const known = rules.map(({ id }) => id)
    const named = wrong.flatMap(({ expected }) => expected.map((one) => one.split(' ')[0]))
    expect(named.filter((id) => id === undefined || !known.includes(id))).toEqual([])
    expect(new Set(known).size).toBe(known.length)
  })
})
