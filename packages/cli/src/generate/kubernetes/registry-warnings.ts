import type { ServiceDescription } from '@tenon/core'
import { asksApiServer } from './endpoint-reader.ts'
import { foundServices, looksForOthers } from './peer.ts'

/** What an overlay cannot know of the registry of a service, and the user has to write. */
export function registryWarnings(service: ServiceDescription): readonly string[] {
  const { registry, isRegistered } = service
  return [
    ...(isRegistered && registry?.connectsTo === undefined
      ? ['the registry is missing from the network policy: patch it there with the address of its servers']
      : []),
    ...(registry?.name === 'static' && looksForOthers(service)
      ? [
          'the addresses of the static registry are missing from the network policy: patch it there, unless they are those of pods that are called like the services',
        ]
      : []),
    ...(asksApiServer(service) ? foundServices(service).flatMap(elsewhere) : []),
  ]
}

/** A Role there cannot come with the others: kustomize would put it into the namespace of the overlay, which its binding has to name. */
function elsewhere(found: string): readonly string[] {
  const [, namespace] = found.split('.')
  return namespace === undefined
    ? []
    : [
        `registry:///${found}: the role of the pods is for their own namespace. If that is not ${namespace}, bind them to a Role of ${namespace} that lets them list and watch EndpointSlices, as in the README of @tenon/registry-kubernetes`,
      ]
}
