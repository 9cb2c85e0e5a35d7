import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type OwnProcess, run, temporaryFolder } from '../support/own-process.ts'

const fixture = fileURLToPath(new URL('fixture/', import.meta.url))

/** The ways a service may be run in. None has a loader hook. */
const forms = Object.freeze({
  'ES modules': async () => ['--conditions=@tenon/source', join(fixture, 'main.ts')],
  'require() of ES modules': async () => ['--conditions=@tenon/source', join(fixture, 'main.cjs')],
  'a bundle of esbuild': async () => [await bundle(join(await temporaryFolder(), 'main.mjs'))],
} satisfies Record<string, () => Promise<readonly string[]>>)

/** The service of the fixture in a process, under a name of its own. */
export interface TracedProcess extends OwnProcess {
  readonly name: string
  readonly http: string
  readonly admin: string
}

/** Starts it, and waits until it is ready. */
export async function startTraced(
  form: keyof typeof forms,
  environment: Readonly<Record<string, string>>,
): Promise<TracedProcess> {
  const name = `note-${randomUUID()}`
  const started = run(process.execPath, await forms[form](), { ...environment, OTEL_SERVICE_NAME: name })
  try {
    await started.printed('\naddresses [')
    const [, text = '[]'] = /^addresses (.*)$/m.exec(started.output()) ?? []
    const addresses = JSON.parse(text) as readonly { protocol: string; host: string; port: number }[]
    const at = (protocol: string) => {
      const { host, port } = addresses.find((one) => one.protocol === protocol) ?? {}
      return `${host}:${port}`
    }
    return { ...started, name, http: at('http'), admin: at('admin') }
  } catch (error) {
    await started[Symbol.asyncDispose]()
    throw error
  }
}

/** What a Collector has written of a service, each a batch of one signal. */
export async function receivedOf(name: string, file: string): Promise<Readonly<Record<string, string>>> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.includes(`"${name}"`))
  const of = (signal: string) => lines.filter((line) => line.startsWith(`{"${signal}"`)).join('\n')
  return { traces: of('resourceSpans'), metrics: of('resourceMetrics'), logs: of('resourceLogs') }
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
