export { httpClient } from './client/http-client.ts'
export { httpClientDefaults, type HttpClientOptions, type HttpClientTlsOptions } from './client/http-client-options.ts'
export { httpDefaults, type HttpOptions } from './http-options.ts'
export { httpTransport } from './http-transport.ts'
export type { OpenApiDocument, SecurityScheme } from './openapi/document.ts'
export { openapi } from './openapi/openapi.ts'
export type { DocsOptions, OpenApiOptions, OpenApiServing } from './openapi/openapi-options.ts'
export type {
  CompressionOptions,
  CorsOptions,
  RateLimitOptions,
  SecurityHeaderOptions,
} from './plugin/plugin-options.ts'
export type { ProbePaths } from './probe/probe-options.ts'
export type { Problem } from './reply/problem.ts'
export { tlsDefaults, type TlsOptions } from '@tenon/core/transport'
