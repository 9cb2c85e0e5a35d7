import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type OwnProcess, run, temporaryFolder } from '../support/own-process.ts'
import type { TracedName } from './fixture/traced-service.ts'

const fixture = fileURLToPath(new URL('fixture/', import.meta.url))

/** The ways a service may be run in. None has a loader hook. */
const forms = Object.freeze({
  'ES modules': async () => ['--conditions=@tenon/source', join(fixture, 'main.ts')],
  'require() of ES modules': async () => ['--conditions=@tenon/source', join(fixture, 'main.cjs')],
  'a bundle of esbuild': async () => [await bundle(join(await temporaryFolder(), 'main.mjs'))],
} satisfies Record<string, () => Promise<readonly string[]>>)

/** How a service of the fixture is run. */
export type Form = keyof typeof forms

/** A service of the fixture in a process, under a name of its own. */
export interface TracedProcess extends OwnProcess {
  readonly name: string
  /** `host:port`; of a protocol that it does not speak without a meaning. */
  readonly http: string
  readonly grpc: string
  readonly admin: string
}

export interface TracedOptions {
  /** @defaultValue `note` */
  readonly service?: TracedName
  readonly environment: Readonly<Record<string, string>>
}

/** What Node is given to run the fixture in a form. */
export function programOf(form: Form): Promise<readonly string[]> {
  return forms[form]()
}

/** Starts it, and waits until it is ready. */
export async function startTraced(program: readonly string[], options: TracedOptions): Promise<TracedProcess> {
  const { service = 'note', environment } = options
  const name = `${service}-${randomUUID()}`
  const own = { OTEL_SERVICE_NAME: name, TRACED_SERVICE: service }
  const started = run(process.execPath, program, { ...environment, ...own })
  try {
    await started.printed('\naddresses [')
    const [, text = '[]'] = /^addresses (.*)$/m.exec(started.output()) ?? []
    const addresses = JSON.parse(text) as readonly { protocol: string; host: string; port: number }[]
    const at = (protocol: string) => {
      const { host, port } = addresses.find((one) => one.protocol === protocol) ?? {}
      return `${host}:${port}`
    }
    return { ...started, name, http: at('http'), grpc: at('grpc'), admin: at('admin') }
  } catch (error) {
    await started[Symbol.asyncDispose]()
    throw error
  }
}

async function bundle(outfile: string): Promise<string> {
  await build({
    entryPoints: [join(fixture, 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@tenon/source'],
    // Some of what is bundled is CommonJS.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    logLevel: 'error',
  })
  return outfile
}
