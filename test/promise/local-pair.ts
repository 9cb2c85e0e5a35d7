import {
  type Client,
  clientOf,
  defineService,
  hook,
  type LocalRemoteOptions,
  type RemoteOptions,
  type StartedService,
  remote,
} from '@tenon/core'
import type { AnyContract } from '@tenon/core/contract'
import { onTestFinished } from 'vitest'

export const environment = { LOG_LEVEL: 'silent', TENON_HOST: '127.0.0.1' }

/** A service that only calls, and the client that its parts are given. Stopped when the test ends, if not before. */
interface Caller<Of extends AnyContract> {
  readonly client: Client<Of>
  readonly service: StartedService
}

/** Starts a service that has a remote and nothing else. */
export async function startCaller<Of extends AnyContract>(
  of: Of,
  options: RemoteOptions<Of> | LocalRemoteOptions<Of> = { at: 'local' },
): Promise<Caller<Of>> {
  const found = Promise.withResolvers<Client<Of>>()
  const service = await defineService({
    name: 'caller',
    version: '1.0.0',
    admin: { port: 0 },
    shutdownTimeoutMs: 5_000,
    handlers: [],
    transports: () => [],
    remotes: () => [remote(of, options)],
    onStart: [hook('find', async (client) => found.resolve(client), { needs: [clientOf(of)] })],
  }).start({ environment })
  onTestFinished(async () => void (await service.stop()))
  return { client: await found.promise, service }
}
