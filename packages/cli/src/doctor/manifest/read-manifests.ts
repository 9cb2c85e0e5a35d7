import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { UsageError } from '../../command/command.ts'
import { imageVariablesOf } from './dockerfile.ts'
import { kubectl } from './kubectl.ts'
import type { Manifest } from './manifest.ts'
import { parseManifests } from './parse-manifests.ts'

/** What a service is compared with. */
export interface ReadManifests {
  readonly manifests: readonly Manifest[]
  /** The variables that Dockerfiles among the files set. */
  readonly imageVariables: ReadonlyMap<string, string>
}

/**
 * Reads files of YAML or JSON, Dockerfiles, folders and standard input (`-`). A folder with a kustomization is built by kubectl; of another one
 * all its own `*.yaml`, `*.yml` and `*.json` are read.
 *
 * @throws UsageError that names the file
 */
export async function readManifests(places: readonly string[]): Promise<ReadManifests> {
  const read = await Promise.all(places.map(readPlace))
  return {
    manifests: read.flatMap(({ manifests }) => manifests),
    imageVariables: new Map(read.flatMap(({ imageVariables }) => [...imageVariables])),
  }
}

/** Where a cluster is asked. */
export interface LivePlace {
  /** @defaultValue that of kubectl's context */
  readonly namespace?: string | undefined
  /** @defaultValue kubectl's own */
  readonly context?: string | undefined
}

/** All that rules look at. Secrets are left alone: nobody has to be allowed to read them for this. */
const liveKinds = [
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'services',
  'configmaps',
  'limitranges',
  'poddisruptionbudgets.policy',
  'horizontalpodautoscalers.autoscaling',
  'networkpolicies.networking.k8s.io',
]

/** Asks a cluster, by kubectl. @throws UsageError with what kubectl complains of */
export async function liveManifests({ namespace, context }: LivePlace): Promise<readonly Manifest[]> {
  const where = [
    ...(namespace === undefined ? [] : ['--namespace', namespace]),
    ...(context === undefined ? [] : ['--context', context]),
  ]
  const manifests = parseManifests(
    await kubectl('get', liveKinds.join(','), '--output', 'json', ...where),
    'the answer of kubectl',
  )
  const inside = namespace ?? manifests.find((one) => one.namespace !== undefined)?.namespace
  return inside === undefined ? manifests : [...manifests, ...(await namespaceOf(inside, where))]
}

/** None where nobody may look at it: it only says more, and belongs to those who run the cluster. */
async function namespaceOf(name: string, where: readonly string[]): Promise<readonly Manifest[]> {
  try {
    const answer = await kubectl('get', 'namespace', name, '--output', 'json', ...where)
    return parseManifests(answer, 'the answer of kubectl')
  } catch (error) {
    if (error instanceof UsageError) return []
    throw error
  }
}

const noVariables: ReadonlyMap<string, string> = new Map()

async function readPlace(place: string): Promise<ReadManifests> {
  if (place === '-')
    return { manifests: parseManifests(await text(process.stdin), 'standard input'), imageVariables: noVariables }
  if (await isFolder(place)) return { manifests: await readFolder(place), imageVariables: noVariables }
  const content = await readFile(place, 'utf8')
  if (/(^|\.)Dockerfile(\.|$)/.test(basename(place)))
    return { manifests: [], imageVariables: imageVariablesOf(content) }
  return { manifests: parseManifests(content, place), imageVariables: noVariables }
}

async function isFolder(place: string): Promise<boolean> {
  try {
    return (await stat(place)).isDirectory()
  } catch (cause) {
    throw new UsageError(`there is no file or folder ${place}`, { cause })
  }
}

async function readFolder(folder: string): Promise<readonly Manifest[]> {
  const names = (await readdir(folder)).toSorted()
  if (names.some((name) => /^kustomization\.ya?ml$|^Kustomization$/.test(name)))
    return parseManifests(await kubectl('kustomize', folder), `the kustomization of ${folder}`)
  const files = names.filter((name) => /\.(ya?ml|json)$/.test(name))
  if (files.length === 0)
    throw new UsageError(
      `${folder} has neither a kustomization nor files of YAML; it has ${names.join(', ') || 'nothing'}`,
    )
  const texts = await Promise.all(
    files.map(async (name) => [await readFile(join(folder, name), 'utf8'), join(folder, name)] as const),
  )
  return texts.flatMap(([content, source]) => parseManifests(content, source))
}
