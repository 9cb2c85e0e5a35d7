import type { Manifest } from './manifest.ts'

/** What CycloneDX says of a package. */
export interface Component {
  readonly 'bom-ref': string
  readonly purl?: string
  readonly licenses?: readonly {
    readonly license?: { readonly id?: string; readonly name?: string }
    readonly expression?: string
  }[]
}

/** A software bill of materials, as `npm sbom` writes it. */
export interface Inventory {
  readonly bomFormat: string
  readonly specVersion: string
  readonly components: readonly Component[]
  readonly dependencies?: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

/**
 * What users of the packages install, of all that is installed here. `npm sbom --omit dev` leaves out what something for
 * development needs as well.
 *
 * @throws Error when it is no bill of materials: npm prints what is wrong in its place
 */
export function toProduction(whole: Inventory, manifests: readonly Manifest[]): Inventory {
  if (whole.dependencies === undefined) throw new Error(`npm sbom gave no bill of materials: ${JSON.stringify(whole)}`)
  const edges = new Map(whole.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]))
  const reached = new Set(manifests.map(refOf))
  const own = new Map(manifests.map((manifest) => [refOf(manifest), new Set(neededBy(manifest))]))
  const edgesOf = (ref: string) => (edges.get(ref) ?? []).filter((next) => own.get(ref)?.has(nameOf(next)) ?? true)
  for (const ref of reached) for (const next of edgesOf(ref)) reached.add(next)
  return {
    ...whole,
    components: whole.components.filter((component) => reached.has(component['bom-ref'])),
    dependencies: [...reached].map((ref) => ({ ref, dependsOn: edgesOf(ref) })),
  }
}

/** What makes it no bill of these packages. */
export function inventoryProblems(inventory: Inventory, manifests: readonly Manifest[]): readonly string[] {
  const { bomFormat, specVersion, components } = inventory
  const form = bomFormat === 'CycloneDX' && /^1\.[5-9]$/.test(specVersion) ? [] : ['it is no CycloneDX 1.5 or later']
  const nameless = components
    .filter(({ purl }) => purl === undefined)
    .map((component) => `${component['bom-ref']} has no purl`)
  const names = new Set(components.map((component) => nameOf(component['bom-ref'])))
  const missing = manifests.flatMap((manifest) =>
    [manifest.name, ...neededBy(manifest)]
      .filter((name) => !names.has(name))
      .map((name) => `${name}, which ${manifest.name} needs, is missing`),
  )
  return [...form, ...nameless, ...missing]
}

const refOf = ({ name, version }: Manifest) => `${name}@${version}`
const nameOf = (ref: string) => ref.slice(0, ref.indexOf('@', 1))

function neededBy({ dependencies, optionalDependencies, peerDependencies }: Manifest): readonly string[] {
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
}
