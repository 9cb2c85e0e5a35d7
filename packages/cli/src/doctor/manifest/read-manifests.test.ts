import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UsageError } from '../../command/command.ts'
import { liveManifests, readManifests } from './read-manifests.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-doctor-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  return path
}

/** A program in the place of kubectl. */
async function withKubectl(script: string): Promise<void> {
  await chmod(await file('bin/kubectl', `#!/bin/sh\n${script}\n`), 0o755)
  vi.stubEnv('PATH', `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`)
}

const names = async (...places: readonly string[]) =>
  (await readManifests(places)).manifests.map(({ root, namespace }) => `${root.object} ${namespace ?? ''}`.trim())

/** Ten billion words. */
const bomb = `a0: &a0 [x]\n${Array.from({ length: 10 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(10)}]\n`).join('')}`

const service = (name: string) => `kind: Service\nmetadata:\n  name: ${name}\n`

describe('readManifests', () => {
  it('reads several documents, lists, and what is none of Kubernetes', async () => {
    const list =
      '{ kind: List, items: [{ kind: Pod, metadata: { name: a, namespace: shop } }, { kind: ConfigMapList, items: [] }] }'
    expect(
      await names(await file('a.yaml', `# only a comment\n---\n${service('one')}---\nvalues: 1\n---\n${list}\n`)),
    ).toEqual(['Service/one', 'Pod/a shop'])
    expect(await names(await file('empty.yaml', ''))).toEqual([])
  })

  it('reads the files of a folder, and none below it', async () => {
    await file('k/b.yml', service('b'))
    await file('k/a.json', '{ "kind": "Service", "metadata": { "name": "a" } }')
    await file('k/notes.md', 'no manifest')
    await file('k/below/c.yaml', service('c'))
    expect(await names(join(folder, 'k'))).toEqual(['Service/a', 'Service/b'])
  })

  it('has kubectl build a folder with a kustomization', async () => {
    await withKubectl(
      `[ "$1 $2" = "kustomize ${join(folder, 'k')}" ] && printf 'kind: Service\\nmetadata: { name: built }\\n'`,
    )
    await file('k/kustomization.yaml', 'resources: [a.yaml]')
    await file('k/a.yaml', service('a'))
    expect(await names(join(folder, 'k'))).toEqual(['Service/built'])
  })

  it('takes from a Dockerfile what the image sets', async () => {
    const { manifests, imageVariables } = await readManifests([
      await file('user.Dockerfile', 'FROM node\nENV TENON_HOST=::'),
    ])
    expect(manifests).toEqual([])
    expect(imageVariables.get('TENON_HOST')).toBe('::')
  })

  it('says which file is no YAML, and what to do with a template', async () => {
    const place = await file('deploy.yaml', 'kind: Service\nmetadata: {{ .Values.name }}\n')
    await expect(readManifests([place])).rejects.toThrow(
      /deploy\.yaml is no YAML: .*; a template of Helm .*helm template/,
    )
  })

  it.each([
    ['an alias without its anchor', 'a: 1\npassword: *Secr3t\n', 'an alias without its anchor, line 2'],
    ['a key without its anchor', 'a: 1\n---\nb:\n  <<: *Secr3t\n', 'an alias without its anchor, line 4'],
    ['a block without its header', 'password: |Secr3t\n', 'Block scalar header includes extra characters, line 1'],
    ['an escape that is none', 'a: 1\npassword: "\\Secr3t"\n', 'Invalid escape sequence, line 2'],
    ['a merge of no map', 'a:\n  <<: Secr3t\n', 'Merge sources must be maps or map aliases, line 1'],
    ['aliases of aliases', bomb, 'Excessive alias count indicates a resource exhaustion attack, line 1'],
  ])('says of %s in which line, and nothing of what stands there', async (_what, text, message) => {
    const place = await file('secret.yaml', text)
    const refusal = await readManifests([place]).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(UsageError)
    expect(refusal).toHaveProperty('message', `${place} is no YAML: ${message}`)
    expect(inspect(refusal)).not.toContain('Secr3t')
  })

  it('reads what stands there as kubectl does', async () => {
    const text = `kind: ConfigMap
metadata: { name: &name shop }
spec:
  usual: &usual { retries: 3, isCached: off }
  own:
    retries: 5
    <<: *usual
  name: *name
  isOn: yes
  twice: 1
  twice: 2
  mode: 0644
  ports: 22:22
  since: 2026-11-22
  version: 1.4.2
`
    const { manifests } = await readManifests([await file('a.yaml', text)])
    expect(manifests.map(({ root }) => root.at('spec').value)).toEqual([
      {
        usual: { retries: 3, isCached: false },
        own: { retries: 5, isCached: false },
        name: 'shop',
        isOn: true,
        twice: 2,
        mode: 0o644,
        ports: '22:22',
        since: '2026-11-22',
        version: '1.4.2',
      },
    ])
  })

  it.each([
    ['nowhere.yaml', 'there is no file or folder'],
    ['k', 'k has neither a kustomization nor files of YAML; it has base'],
  ])('refuses %s', async (name, message) => {
    await mkdir(join(folder, 'k/base'), { recursive: true })
    await expect(readManifests([join(folder, name)])).rejects.toThrow(UsageError)
    await expect(readManifests([join(folder, name)])).rejects.toThrow(message)
  })

  it('says that kubectl is missing, and passes on what it complains of', async () => {
    await file('k/kustomization.yml', 'resources: [gone.yaml]')
    await withKubectl('echo "error: gone.yaml is not there" >&2; exit 1')
    await expect(readManifests([join(folder, 'k')])).rejects.toThrow(
      'kubectl kustomize failed: error: gone.yaml is not there',
    )
    vi.stubEnv('PATH', join(folder, 'k'))
    await expect(readManifests([join(folder, 'k')])).rejects.toThrow(
      /kubectl kustomize cannot be run .*has to be on the PATH/,
    )
  })
})

describe('liveManifests', () => {
  it('asks kubectl for all kinds at once, where it is told', async () => {
    await withKubectl(`printf '{"kind":"List","items":[{"kind":"Pod","metadata":{"name":"%s"}}]}' "$*"`)
    const [asked] = await liveManifests({ namespace: 'shop', context: 'test' })
    expect(asked?.name).toMatch(
      /^get deployments\.apps,.*networkpolicies\S* --output json --namespace shop --context test$/,
    )
    expect(asked?.name).not.toMatch(/secret/)
    const [plain] = await liveManifests({})
    expect(plain?.name).toMatch(/--output json$/)
  })

  it.each([
    ['that it is told', { namespace: 'shop' }],
    ['of the context', {}],
  ])('asks for the namespace %s, which switches a mesh on', async (_which, place) => {
    await withKubectl(
      `if [ "$2" = namespace ]; then printf '{"kind":"Namespace","metadata":{"name":"%s"}}' "$3"; else echo '{"kind":"Pod","metadata":{"name":"user","namespace":"shop"}}'; fi`,
    )
    expect((await liveManifests(place)).map(({ root }) => root.object)).toEqual(['Pod/user', 'Namespace/shop'])
  })

  it('does without a namespace that it may not look at', async () => {
    await withKubectl(
      `[ "$2" = namespace ] && exit 1; echo '{"kind":"Pod","metadata":{"name":"user","namespace":"shop"}}'`,
    )
    expect((await liveManifests({})).map(({ name }) => name)).toEqual(['user'])
  })

  it('passes on that somebody may not look', async () => {
    await withKubectl('echo "Error from server (Forbidden): configmaps is forbidden" >&2; exit 1')
    await expect(liveManifests({})).rejects.toThrow(
      'kubectl get failed: Error from server (Forbidden): configmaps is forbidden',
    )
  })
})
