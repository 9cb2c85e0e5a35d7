import type { Address } from '@tenon/core'
import { type OwnProcess, runFile } from '../support/own-process.ts'
import { embedded, freePorts } from './shop.ts'

export type ShopServiceName = 'user' | 'order'

/** One example service in a process of its own. */
export interface ShopProcess extends OwnProcess {
  /** `127.0.0.1:12345` of a protocol. */
  readonly at: (protocol: string) => string
}

/** Starts a service the way its own `npm start` does, with real servers only where the environment names them, and waits until it is ready. */
export async function startShopProcess(
  name: ShopServiceName,
  environment: Readonly<Record<string, string>>,
): Promise<ShopProcess> {
  return toShopProcess(
    name,
    runFile(`examples/user-order/${name}/src/main.ts`, { ...freePorts, ...embedded, ...environment }),
  )
}

/** Waits until the service that the process runs is ready. */
export async function toShopProcess(name: ShopServiceName, service: OwnProcess): Promise<ShopProcess> {
  await service.printed(`${name} is ready`)
  return { ...service, at: addressesOf(service) }
}

/** Reads the addresses from the line that tells that the service is ready. */
function addressesOf({ output }: OwnProcess): (protocol: string) => string {
  const line = output()
    .split('\n')
    .find((text) => text.includes(' is ready"'))
  const { addresses } = JSON.parse(line ?? '{}') as { addresses: readonly Address[] }
  return (protocol) => {
    const { host, port } = addresses.find((address) => address.protocol === protocol) ?? {}
    // What listens everywhere is called here.
    return `${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`
  }
}
