import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { services } from './corpus-services.test-harness.ts'
import { type Diagnosis, diagnose } from './diagnose.ts'
import { parseManifests } from './manifest/parse-manifests.ts'
import { rules } from './rules.ts'

/** A manifest of the corpus. Its first lines say what was done to it, which service it is for, and what is to be found. */
interface Sample {
  readonly name: string
  readonly about: string
  readonly text: string
  readonly service: keyof typeof services
  /** `grace-too-short Deployment/user` */
  readonly expected: readonly string[]
}

function samplesOf(folder: 'right' | 'wrong'): readonly Sample[] {
  const place = new URL(`corpus/${folder}/`, import.meta.url)
  return readdirSync(place).map((name) => {
    const text = readFileSync(new URL(name, place), 'utf8')
    const [about = ''] = /(?<=^# ).*/.exec(text) ?? []
    const [service = 'user'] = /(?<=^# service: ).*/m.exec(text) ?? []
    if (!isKnown(service)) throw new Error(`${name}: there is no service ${service}`)
    return { name, about, text, service, expected: (text.match(/(?<=^# finds: ).*/gm) ?? []).toSorted() }
  })
}

function isKnown(name: string): name is keyof typeof services {
  return Object.hasOwn(services, name)
}

async function diagnosed({ text, name, service }: Sample, chosen = rules): Promise<Diagnosis> {
  const describeIt = async (environment: Readonly<Record<string, string>>) =>
    services[service].describe({ environment: { NODE_ENV: 'production', TENON_HOST: '0.0.0.0', ...environment } })
  return diagnose({ describe: describeIt, manifests: parseManifests(text, name), isLive: false, rules: chosen })
}

function told({ findings }: Diagnosis): readonly string[] {
  return findings.map(({ rule, object }) => `${rule} ${object}`).toSorted()
}

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
        expect(`${message} ${fix}`).not.toMatch(/undefined|NaN|\[object|""/)
      }
    },
  )
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
