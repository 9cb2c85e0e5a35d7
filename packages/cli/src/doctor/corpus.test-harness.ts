import { readdirSync, readFileSync } from 'node:fs'
import { services } from './corpus-services.test-harness.ts'
import { type Diagnosis, diagnose } from './diagnose.ts'
import type { Manifest } from './manifest/manifest.ts'
import { parseManifests } from './manifest/parse-manifests.ts'
import { rules as allRules } from './rules.ts'

/** A manifest of the corpus. Its first lines say what was done to it, which service it is for, and what is to be found. */
export interface Sample {
  readonly name: string
  readonly about: string
  readonly service: keyof typeof services
  readonly manifests: readonly Manifest[]
  /** `grace-too-short Deployment/user` */
  readonly expected: readonly string[]
}

/** All samples of a folder. */
export function samplesOf(folder: 'right' | 'wrong'): readonly Sample[] {
  const place = new URL(`corpus/${folder}/`, import.meta.url)
  return readdirSync(place).map((name) => {
    const text = readFileSync(new URL(name, place), 'utf8')
    const [about = ''] = /(?<=^# ).*/.exec(text) ?? []
    const [service = 'user'] = /(?<=^# service: ).*/m.exec(text) ?? []
    if (!isKnown(service)) throw new Error(`${name}: there is no service ${service}`)
    const expected = (text.match(/(?<=^# finds: ).*/gm) ?? []).toSorted()
    return { name, about, service, manifests: parseManifests(text, name), expected }
  })
}

function isKnown(name: string): name is keyof typeof services {
  return Object.hasOwn(services, name)
}

/** What is found in a sample. */
export async function diagnosed(
  { manifests, service }: Pick<Sample, 'manifests' | 'service'>,
  rules = allRules,
): Promise<Diagnosis> {
  const describeIt = async (environment: Readonly<Record<string, string>>) =>
    services[service].describe({ environment: { NODE_ENV: 'production', TENON_HOST: '0.0.0.0', ...environment } })
  return diagnose({ describe: describeIt, manifests, isLive: false, rules })
}

/** As a sample says what it expects. */
export function told({ findings }: Diagnosis): readonly string[] {
  return findings.map(({ rule, object }) => `${rule} ${object}`).toSorted()
}
