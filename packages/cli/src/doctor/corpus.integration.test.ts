import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { diagnosed, type Sample, samplesOf, told } from './corpus.test-harness.ts'
import type { Manifest } from './manifest/manifest.ts'
import { parseManifests } from './manifest/parse-manifests.ts'

/** What no API server takes, so that nobody sees it in a cluster. */
const refused = new Set(['selector-of-other-pods.yaml'])

/** What is not judged in a cluster, where an autoscaler has set the count. */
const unjudged = 'replicas-beside-autoscaler Deployment/user'

/** What is judged in a cluster alone, where the server has written the count that a file leaves open. */
const filledIn = new Set(['replicas-left-open.yaml'])

/** What names the namespace that it is in, which is another one here. */
const moved = new Set(['policy-of-own-namespace.yaml'])

const { KUBECONFIG, TENON_CLUSTER, TENON_REQUIRE_INFRA } = process.env
/** `TENON_REQUIRE_INFRA=1` makes a missing cluster fail instead, but for a pipeline that says it has none. */
const isAbsent = TENON_CLUSTER === 'none' || (KUBECONFIG === undefined && TENON_REQUIRE_INFRA !== '1')
/** TENON_CORPUS=all takes the wrong ones too that the server takes; the others are few. */
const isShort = process.env['TENON_CORPUS'] !== 'all'
const samples = [...samplesOf('right'), ...samplesOf('wrong').filter(({ name }) => !isShort || refused.has(name))]
const taken = samples.filter(({ name }) => ![refused, filledIn, moved].some((names) => names.has(name)))
const annotation = 'tenon.example/sample'

describe.skipIf(isAbsent)(
  `the corpus and a real API server${isAbsent ? ' (skipped: there is no cluster)' : ''}`,
  { timeout: 120_000 },
  () => {
    it('has nothing but what the server takes, and the same is found where it has filled in what was not written', async () => {
      const { exitCode, printed, complained } = await tried(taken)
      expect({ exitCode, complained }).toMatchObject({ exitCode: 0 })
      const served = Map.groupBy(
        parseManifests(printed, 'the answer'),
        ({ root }) => root.at('metadata', 'annotations', annotation).text,
      )
      for (const sample of taken) {
        const manifests = served.get(sample.name) ?? []
        expect(manifests, sample.name).toHaveLength(sample.manifests.length)
        expect(told(await diagnosed({ ...sample, manifests })), sample.name).toEqual(
          sample.expected.filter((one) => one !== unjudged),
        )
      }
    })

    it('has a few that the server refuses, which are found before', async () => {
      for (const sample of samples.filter(({ name }) => refused.has(name))) {
        const { exitCode, complained } = await tried([sample])
        expect(exitCode, complained).toBe(1)
      }
    })
  },
)

/** What an API server makes of samples, without keeping any of it. */
async function tried(given: readonly Sample[]) {
  const items = given.flatMap(({ name, manifests }) => manifests.map((manifest) => marked(manifest, name)))
  const child = spawn('kubectl', ['apply', '--dry-run=server', '--output', 'json', '--filename', '-'])
  child.stdin.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  const ended = once(child, 'close') as Promise<[number | null]>
  const [printed, complained, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { exitCode, printed, complained }
}

/** In the default namespace, which is there: nothing is kept. */
function marked({ root }: Manifest, sample: string): unknown {
  const metadata = {
    ...Object.fromEntries(valuesOf(root.at('metadata'))),
    ...(root.at('kind').text === 'Namespace' ? {} : { namespace: 'default' }),
    annotations: { ...Object.fromEntries(valuesOf(root.at('metadata', 'annotations'))), [annotation]: sample },
  }
  return { ...Object.fromEntries(valuesOf(root)), metadata }
}

function valuesOf({ entries }: Manifest['root']): readonly (readonly [name: string, value: unknown])[] {
  return Array.from(entries, ([name, { value }]) => [name, value])
}
