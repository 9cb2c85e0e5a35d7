import { service as order } from '@shop/order-service'
import { service as user } from '@shop/user-service'
import type { Address, StartedService } from '@tenon/core'

const services = [user, order]
const ready = new Map<string, StartedService>()

// Both services share this process: one signal drains both, and the memory broker carries messages between them.
await Promise.all(
  services.map((service) =>
    service.run({
      onReady: (started) => {
        ready.set(service.name, started)
        if (ready.size === services.length) process.stdout.write(welcome())
      },
    }),
  ),
)

function welcome(): string {
  return `
${services.map(({ name }) => `${name.padEnd(6)} ${addressesOf(name).map(describe).join('   ')}`).join('\n')}

Try:
  curl -X POST http://${at('user', 'http')}/v1/users -H 'content-type: application/json' -d '{"name":"Ada","email":"ada@example.com"}'
  curl -N http://${at('order', 'http')}/v1/orders:watch
  grpcurl -plaintext ${at('user', 'grpc')} shop.user.v1.UserService/ListUsers

`
}

function addressesOf(service: string): readonly Address[] {
  return ready.get(service)?.addresses ?? []
}

function describe(address: Address): string {
  const { protocol } = address
  return protocol === 'grpc' ? `grpc ${authorityOf(address)}` : `${protocol} http://${authorityOf(address)}`
}

function at(service: string, protocol: string): string {
  const address = addressesOf(service).find((candidate) => candidate.protocol === protocol)
  return address ? authorityOf(address) : 'nowhere'
}

function authorityOf({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
