import { type SetupProblem, type TransportHost, WiringError } from '@tenon/core/transport'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { HttpSettings } from '../http-options.ts'
import { sentId } from '../reply/sent-id.ts'
import { claims, type HttpRoute } from '../route/route-table.ts'
import { type PagePaths, pagePathsOf } from './page-paths.ts'
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
 * @throws WiringError `wiring.route_conflict` where an operation has the path of the document or of the page, or a parameter that takes it.
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
  const page = pagePath === undefined ? undefined : pagePathsOf(pagePath)
  const problems = [
    ...conflictsOf('openapi', { at: [path], below: [] }, routes),
    ...(page === undefined ? [] : conflictsOf('docs', page, routes)),
  ]
  if (problems.length > 0) throw new WiringError(problems)
  const { name, version } = host.service
  const servers = [{ url: pathPrefix === '' ? '/' : pathPrefix }]
  const options = { title: name, version, servers, ...said }
  const traits = { hasBans: plugins.rateLimit?.ban !== undefined }
  const read = writeOnce(() => describeOperations(host.operations, options, traits))
  return {
    paths: [path, ...(page?.at ?? [])],
    mount: (scope) => {
      scope.register(async (inner) => {
        inner.addHook('onRequest', echoId)
        serveDocument(inner, path, read)
        if (pagePath !== undefined) await serveDocs(inner, { path: pagePath, title: options.title, read })
      })
    },
  }
}

/** What is shown is no call, so its reply has the id that the request came with, if any. */
function echoId({ headers }: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const id = sentId(headers)
  if (id !== undefined) reply.header('x-request-id', id)
  done()
}

/** The router would hand a path without parameters to the document, in silence, where an operation has it by a parameter. */
function conflictsOf(
  option: 'openapi' | 'docs',
  { at, below }: PagePaths,
  routes: readonly HttpRoute[],
): readonly SetupProblem[] {
  return routes.flatMap((route): readonly SetupProblem[] => {
    const { endpoint, http } = route
    if (http.method !== 'GET') return []
    const taken = at.find((path) => claims(route, path)) ?? below.find((path) => claims(route, path, 'below'))
    if (taken === undefined) return []
    const how = http.path === taken ? '' : `, by its route GET ${http.path}`
    const message = `operation ${endpoint.operation.id} claims GET ${taken}${how}, as ${option}.path of httpTransport does: give one of them another path, or say \`${option}: false\``
    return [{ code: 'wiring.route_conflict', message }]
  })
}
