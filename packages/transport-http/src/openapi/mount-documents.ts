import { type SetupProblem, type TransportHost, WiringError } from '@tenon/core/transport'
import type { FastifyInstance } from 'fastify'
import type { HttpSettings } from '../http-options.ts'
import type { HttpRoute } from '../route/route-table.ts'
import { describeOperations } from './openapi.ts'
import { requireDocsPackage, serveDocs } from './serve-docs.ts'
import { serveDocument, writeOnce } from './serve-document.ts'

/** What the documents of a server are about. */
export interface DocumentParts {
  readonly settings: Pick<HttpSettings, 'pathPrefix' | 'document' | 'plugins'>
  readonly host: Pick<TransportHost, 'operations' | 'service'>
  /** With their path prefix. */
  readonly routes: readonly HttpRoute[]
}

/** The document and its page, ready to be mounted. */
export interface Documents {
  /** Paths that answer GET and HEAD beside the routes. */
  readonly paths: readonly string[]
  mount(scope: FastifyInstance): void
}

/**
 * Prepares what a server shows of itself. Nothing is described or loaded before it is mounted or asked for.
 *
 * @throws WiringError `wiring.route_conflict` where an operation has the path of the document or of the page.
 * @throws ConfigError `config.package` where the page's package is missing.
 */
export function prepareDocuments({ settings, host, routes }: DocumentParts): Documents {
  const { pathPrefix, document, plugins } = settings
  const { openapi, docs } = document
  if (openapi === undefined) return { paths: [], mount: () => undefined }
  if (docs !== undefined) requireDocsPackage()
  const { path: _path, ...said } = openapi
  const path = `${pathPrefix}${openapi.path}`
  const pagePath = docs && `${pathPrefix}${docs.path}`
  const problems = [
    ...conflictsOf('openapi.path', path, routes),
    ...(pagePath === undefined ? [] : conflictsOf('docs.path', pagePath, routes)),
  ]
  if (problems.length > 0) throw new WiringError(problems)
  const { name, version } = host.service
  const servers = [{ url: pathPrefix === '' ? '/' : pathPrefix }]
  const options = { title: name, version, servers, ...said }
  const traits = { hasBans: plugins.rateLimit?.ban !== undefined }
  const read = writeOnce(() => describeOperations(host.operations, options, traits))
  return {
    paths: [path],
    mount: (scope) => {
      serveDocument(scope, path, read)
      if (pagePath !== undefined)
        scope.register((inner) => serveDocs(inner, { path: pagePath, title: options.title, read }))
    },
  }
}

function conflictsOf(option: string, path: string, routes: readonly HttpRoute[]): readonly SetupProblem[] {
  const taken = routes.filter(({ http }) => http.method === 'GET' && http.path === path)
  return taken.map(({ endpoint }) => ({
    code: 'wiring.route_conflict',
    message: `operation ${endpoint.operation.id} claims GET ${path}, as ${option} of httpTransport does: give one of them another path, or switch the option off`,
  }))
}
