import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isListed } from '../entity-tag.ts'
import type { OpenApiDocument } from './document.ts'

/** A document as it is sent. */
export interface WrittenDocument {
  readonly document: OpenApiDocument
  readonly bytes: Buffer
  /** Quoted; the same for the same bytes, in every process. */
  readonly etag: string
}

/** Builds a document when it is first asked for: most processes are never asked, and none starts later for it. */
export function writeOnce(build: () => OpenApiDocument): () => WrittenDocument {
  let written: WrittenDocument | undefined
  return () => {
    written ??= write(build())
    return written
  }
}

/** Answers GET and HEAD with the document, whoever asks, or with 304 where the caller has it. */
export function serveDocument(server: FastifyInstance, path: string, read: () => WrittenDocument): void {
  const handler = (request: FastifyRequest, reply: FastifyReply) => {
    const { bytes, etag } = read()
    reply.headers({ etag, 'cache-control': 'no-cache' })
    if (isListed(request.headers['if-none-match'] ?? '', etag)) return reply.code(304).send()
    return reply.header('content-type', 'application/json; charset=utf-8').send(bytes)
  }
  server.route({ method: ['GET', 'HEAD'], url: path, exposeHeadRoute: false, handler })
}

function write(document: OpenApiDocument): WrittenDocument {
  const bytes = Buffer.from(JSON.stringify(document))
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  return { document, bytes, etag }
}
