import { type Command, UsageError } from './command.ts'

const paths: Readonly<Record<string, string>> = { live: '/livez', ready: '/readyz', startup: '/startupz' }

/** Asks the admin server of a service, as the kubelet would. Imports nothing but Node's HTTP, for it runs every few seconds. */
export const probeCommand: Command = {
  usage: 'probe live|ready|startup',
  summary:
    'Asks the admin server of a running service; exit code 0 when it passes, 1 when it fails or does not answer.',
  options: {
    port: { type: 'string', value: '<number>', about: 'of the admin server; 9000 unless given' },
    host: { type: 'string', value: '<name>', about: 'where it listens; 127.0.0.1 unless given' },
    'timeout-ms': { type: 'string', value: '<ms>', about: 'longest wait for an answer; 1000 unless given' },
    path: { type: 'string', value: '<path>', about: 'another path than /livez, /readyz or /startupz' },
    json: { type: 'boolean', about: 'prints what was found as JSON' },
  },
  notes: ['In a pod:  readinessProbe: { exec: { command: [tenon, probe, ready, --port, "9001"] } }'],
  run: async (given, { terminal }) => {
    const kind = given.only('kind of probe (live, ready or startup)')
    const known = Object.hasOwn(paths, kind) ? paths[kind] : undefined
    if (known === undefined) throw new UsageError(`expected live, ready or startup, found "${kind}"`)
    const found = await ask({
      host: given.text('host') ?? '127.0.0.1',
      port: given.whole('port', { min: 1, max: 65_535, fallback: 9_000 }),
      path: pathOf(given.text('path') ?? known),
      timeoutMs: given.whole('timeout-ms', { min: 1, max: 600_000, fallback: 1_000 }),
    })
    if (given.isSet('json')) terminal.print(JSON.stringify({ probe: kind, ...found }))
    else terminal.print(`${kind}: ${found.ok ? 'passes' : `fails (${found.reason})`}`)
    return found.ok ? 0 : 1
  },
}

function pathOf(text: string): string {
  if (/^\/[!-~]*$/.test(text)) return text
  throw new UsageError(`--path: expected a path such as /readyz, found ${JSON.stringify(text)}`)
}

interface Asked {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly timeoutMs: number
}

type Found = { readonly ok: true; readonly status: number } | { readonly ok: false; readonly reason: string }

/** Never rejects. */
async function ask({ host, port, path, timeoutMs }: Asked): Promise<Found> {
  const { get } = await import('node:http')
  const { promise, resolve } = Promise.withResolvers<Found>()
  const timer = setTimeout(() => {
    resolve({ ok: false, reason: `no answer within ${timeoutMs} ms` })
    request.destroy()
  }, timeoutMs)
  const request = get({ host, port, path, agent: false }, (response) => {
    const { statusCode: status = 0 } = response
    response.resume()
    resolve(status >= 200 && status < 300 ? { ok: true, status } : { ok: false, reason: `status ${status}` })
    request.destroy()
  })
  request.once('error', (error) => resolve({ ok: false, reason: error.message || 'no connection' }))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
