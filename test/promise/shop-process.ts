import type { Address } from '@tenon/core'
import { type OwnProcess, runFile } from '../support/own-process.ts'
import { freePorts } from './shop.ts'

export type ShopServiceName = 'user' | 'order'

/** One example service in a process of its own. */
export interface ShopProcess extends OwnProcess {
  /** `127.0.0.1:12345` of a protocol. */
  readonly at: (protocol: string) => string
}

/** Starts a service the way its own `npm start` does, and waits until it is ready. */
export async function startShopProcess(
  name: ShopServiceName,
  environment: Readonly<Record<string, string>>,
): Promise<ShopProcess> {
  const service = runFile(`examples/user-order/${name}/src/main.ts`, { ...freePorts, ...environment })
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
    return `${host}:${port}`
  }
}
