import { createRequire } from 'node:module'
import { ConfigError } from '@tenon/core/transport'
import type { FastifyInstance } from 'fastify'
import type { WrittenDocument } from './serve-document.ts'

const page = '@fastify/swagger-ui'

/**
 * Tells at boot what would fail when the page is loaded.
 *
 * @throws ConfigError `config.package` naming the command that installs what is missing
 */
export function requireDocsPackage(resolve: (name: string) => string = createRequire(import.meta.url).resolve): void {
  try {
    resolve(page)
  } catch (cause) {
    const message = `httpTransport: docs needs the package ${page}, which cannot be found: run \`npm install ${page}\`, or leave docs out`
    throw new ConfigError([{ code: 'config.package', message }], cause)
  }
}

/** Where the page is, and what it shows. */
export interface DocsPage {
  readonly path: string
  readonly title: string
  readonly read: () => WrittenDocument
}

/** What the page may load: nothing but its own files. Its scripts write styles into elements. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "base-uri 'none'",
  "connect-src 'self'",
  "font-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "img-src 'self' data:",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
].join('; ')

/** Serves a page on which the document can be read and its operations tried. The package is loaded here, and only here. */
export async function serveDocs(server: FastifyInstance, { path, title, read }: DocsPage): Promise<void> {
  const { default: swaggerUi } = await import('@fastify/swagger-ui')
  await server.register(asSwaggerPlugin((scope) => void scope.decorate('swagger', () => read().document)))
  await server.register(swaggerUi, {
    routePrefix: path,
    staticCSP: contentSecurityPolicy,
    // Its own way to YAML is the plugin's that is missing.
    transformSpecification: (document) => document,
    transformSpecificationClone: false,
    theme: { title },
  })
}

type Plugin = (scope: FastifyInstance) => void

/**
 * A plugin that stands in for the one that usually makes documents, from Fastify's own schemas, and that the page asks for by
 * name. @see Fastify, Plugins: what fastify-plugin sets on a function
 */
function asSwaggerPlugin(plugin: Plugin) {
  const meta = { [Symbol.for('skip-override')]: true, [Symbol.for('plugin-meta')]: { name: '@fastify/swagger' } }
  return Object.assign(async (scope: FastifyInstance) => plugin(scope), meta)
}
