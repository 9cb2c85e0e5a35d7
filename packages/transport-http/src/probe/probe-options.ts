import { type ProbeName, type SetupProblem, WiringError } from '@tenon/core/transport'
import { isObject, servedPathForm } from '../option-form.ts'
import { claims, type HttpRoute } from '../route/route-table.ts'
import { checkSwitch, malformed } from '../server/option-check.ts'

/** Where the probes of a service are answered; false leaves one out. */
export interface ProbePaths {
  /** @defaultValue `/livez` @throws ConfigError `config.malformed` */
  readonly livez?: string | false
  /** @defaultValue `/readyz` @throws ConfigError `config.malformed` */
  readonly readyz?: string | false
  /** @defaultValue `/startupz` @throws ConfigError `config.malformed` */
  readonly startupz?: string | false
}

/** The probes by the paths that they are answered at. */
export type ProbeSettings = ReadonlyMap<string, ProbeName>

/** @param given What the option says; what is wrong with it is told by `checkProbes`. */
export function resolveProbes(given: boolean | ProbePaths | undefined): ProbeSettings {
  if (given === undefined || given === false || (given !== true && !isObject(given))) return new Map()
  const paths: ProbePaths = given === true ? {} : given
  return new Map(
    probeNames.flatMap((name) => {
      const path = paths[name] ?? `/${name}`
      return path === false ? [] : [[path, name] as const]
    }),
  )
}

/** What is wrong with the option. */
export function checkProbes(given: unknown): readonly SetupProblem[] {
  return checkSwitch('probes', given, (paths) => {
    const strays = Object.keys(paths).filter((name) => !probeNames.some((known) => known === name))
    const named = probeNames.flatMap((name) => checkPath(name, Reflect.get(paths, name)))
    return [
      ...strays.map((name) => malformed(`probes.${name} is no probe; expected ${probeNames.join(', ')}`)),
      ...named,
      ...(named.length > 0 ? [] : checkDistinct(paths)),
    ]
  })
}

/**
 * Makes sure that no operation and no document has the path of a probe.
 *
 * @throws WiringError `wiring.route_conflict` naming both.
 */
export function requireFreePaths(
  probes: ProbeSettings,
  { routes, documents }: { readonly routes: readonly HttpRoute[]; readonly documents: readonly string[] },
): void {
  const problems = [...probes].flatMap(([path, name]) => [
    ...routes.filter((route) => claims(route, path)).map((route) => conflict(name, path, ofOperation(route, path))),
    ...documents
      .filter((other) => other === path)
      .map(() => conflict(name, path, 'the option openapi or docs claims it')),
  ])
  if (problems.length > 0) throw new WiringError(problems)
}

/** What is told of a route that `configure` has added at the path of a probe. */
export function nativeConflict(path: string, name: ProbeName): WiringError {
  return new WiringError([conflict(name, path, 'a route that configure adds claims it')])
}

const probeNames = ['livez', 'readyz', 'startupz'] as const satisfies readonly ProbeName[]

function ofOperation({ endpoint, http }: HttpRoute, path: string): string {
  const how = http.path === path ? '' : `, by its route ${http.method} ${http.path}`
  return `operation ${endpoint.operation.id} claims ${http.method} ${path}${how}`
}

function conflict(name: ProbeName, path: string, who: string): SetupProblem {
  const message = `${who}, as probes.${name} of httpTransport does (${path}): give one of them another path, or say \`probes: { ${name}: false }\``
  return { code: 'wiring.route_conflict', message }
}

function checkPath(name: ProbeName, path: unknown): readonly SetupProblem[] {
  if (path === undefined || path === false || (typeof path === 'string' && servedPathForm.test(path))) return []
  return [malformed(`probes.${name} must be a path such as /${name}, or false, found ${JSON.stringify(path)}`)]
}

function checkDistinct(given: ProbePaths): readonly SetupProblem[] {
  const paths = probeNames.map((name) => given[name] ?? `/${name}`).filter((path) => path !== false)
  const twice = paths.find((path, index) => paths.indexOf(path) < index)
  return twice === undefined ? [] : [malformed(`probes: two probes have the path ${twice}`)]
}
