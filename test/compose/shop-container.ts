import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { type ShopProcess, type ShopServiceName, toShopProcess } from '../promise/shop-process.ts'
import { freePorts } from '../promise/shop.ts'
import { run } from '../support/own-process.ts'
import { deployFolder, shopCompose } from './shop-compose.ts'

/** Why tests with containers are skipped; undefined when they run. `TENON_REQUIRE_INFRA=1` makes a missing engine fail instead. */
export function dockerAbsence(): string | undefined {
  if (process.env['DOCKER_HOST'] !== undefined || process.env['TENON_REQUIRE_INFRA'] === '1') return undefined
  return 'DOCKER_HOST names no engine'
}

/** Builds the image of a service as the compose file of the example says, and gives its name. */
async function buildShopImage(name: ShopServiceName): Promise<string> {
  const { context, dockerfile } = composed(name).build
  const folder = resolve(deployFolder, context)
  const image = `tenon-test-compose-${name}`
  await using build = run('docker', ['build', '-f', resolve(folder, dockerfile), '-t', image, folder])
  if ((await build.ended) !== 0) throw new Error(`the image of ${name} cannot be built:\n${build.output()}`)
  return image
}

/**
 * Starts a service in a container as the compose file has it, but on the network of this machine, at free ports, and with the
 * servers that the environment names. Resolves when it is ready.
 */
export async function startShopContainer(
  name: ShopServiceName,
  environment: Readonly<Record<string, string>>,
): Promise<ShopProcess> {
  const service = composed(name)
  const container = `tenon-test-${name}-${randomUUID()}`
  const variables = { ...service.environment, ...freePorts, ...environment }
  const args = [
    'run',
    '--rm',
    ...Object.entries({ name: container, network: 'host', user: service.user }).map(
      ([name, value]) => `--${name}=${value}`,
    ),
    ...(service.read_only ? ['--read-only'] : []),
    ...(service.init ? ['--init'] : []),
    ...service.tmpfs.flatMap((place) => ['--tmpfs', place]),
    ...service.cap_drop.flatMap((capability) => ['--cap-drop', capability]),
    ...service.security_opt.flatMap((option) => ['--security-opt', option]),
    ...service.env_file.flatMap((file) => ['--env-file', resolve(deployFolder, file)]),
    ...Object.entries(variables).flatMap(([variable, value]) => ['--env', `${variable}=${value}`]),
  ]
  const own = run('docker', [...args, await buildShopImage(name)])
  const owned = {
    ...own,
    // The container outlives the command that started it.
    [Symbol.asyncDispose]: async () => {
      await run('docker', ['rm', '--force', container]).ended
      await own[Symbol.asyncDispose]()
    },
  }
  try {
    return await toShopProcess(name, owned)
  } catch (error) {
    await owned[Symbol.asyncDispose]()
    throw error
  }
}

function composed(name: ShopServiceName) {
  const service = shopCompose().services[name]
  if (service === undefined) throw new Error(`the compose file has no service ${name}`)
  return service
}
