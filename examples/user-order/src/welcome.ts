import type { Address } from '@tenon/core'
import type { ReadyService } from './service-process.ts'

/** Where the services are, and what to try. */
export function welcome(services: readonly ReadyService[]): string {
  const at = (name: string, protocol: string) => authorityOf(services, name, protocol)
  return `
${services.map(toLine).join('\n')}

Try:
  curl -X POST http://${at('user', 'http')}/v1/users -H 'content-type: application/json' -d '{"name":"Ada","email":"ada@example.com"}'
  curl -N http://${at('order', 'http')}/v1/orders:watch
  grpcurl -plaintext ${at('user', 'grpc')} shop.user.v1.UserService/ListUsers

`
}

function toLine({ name, processId, addresses }: ReadyService): string {
  return `${name.padEnd(6)} ${addresses.map(describe).join('   ')}   process ${processId}`
}

function describe(address: Address): string {
  const { protocol } = address
  return protocol === 'grpc' ? `grpc ${toAuthority(address)}` : `${protocol} http://${toAuthority(address)}`
}

function authorityOf(services: readonly ReadyService[], name: string, protocol: string): string {
  const addresses = services.find((service) => service.name === name)?.addresses ?? []
  const address = addresses.find((candidate) => candidate.protocol === protocol)
  return address ? toAuthority(address) : 'nowhere'
}

function toAuthority({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
