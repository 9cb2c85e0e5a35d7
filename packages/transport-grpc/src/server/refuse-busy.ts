import { constants, type IncomingHttpHeaders } from 'node:http2'
import type { OperationEndpoint, ServiceError } from '@tenon/core/transport'
import type { Refusal } from '../listen/request-head.ts'
import type { ProtoService } from '../service/proto-service.ts'
import { toStatus } from '../wire/grpc-status.ts'
import { methodPath } from '../wire/service-definition.ts'

type Services = readonly (ProtoService & { readonly endpoints: ReadonlyMap<string, OperationEndpoint> })[]

/**
 * Refuses calls of a service with too much to do by their heads, before grpc-js makes a call of them: that costs less than half. The
 * answer to an error is made once.
 *
 * @param domain The service's name, as the origin of the reason.
 */
export function refuseBusy(services: Services, domain: string): (headers: IncomingHttpHeaders) => Refusal | undefined {
  const refusers = new Map<string, NonNullable<OperationEndpoint['refuse']>>()
  for (const { fullName, methods, endpoints } of services)
    for (const { name, operation } of methods) {
      const endpoint = endpoints.get(operation.id)
      if (endpoint?.refuse) refusers.set(methodPath(fullName, name), (head) => endpoint.refuse?.(head))
    }
  const refusals = new WeakMap<ServiceError, Refusal>()
  return (headers) => {
    const error = refusers.get(String(headers[':path']))?.({
      transport: 'grpc',
      metadata: (name) => headers[name]?.toString(),
    })
    if (error === undefined) return undefined
    const refusal = refusals.get(error) ?? toRefusal(error, domain)
    refusals.set(error, refusal)
    return refusal
  }
}

function toRefusal(error: ServiceError, domain: string): Refusal {
  const { code, details, metadata } = toStatus(error, { domain })
  return {
    headers: {
      ':status': constants.HTTP_STATUS_OK,
      'content-type': 'application/grpc+proto',
      'grpc-status': code,
      'grpc-message': encodeURI(details),
      ...metadata?.toHttp2Headers(),
    },
  }
}
