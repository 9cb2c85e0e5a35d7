import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import type { Logger } from '../../telemetry/log.ts'
import { toTlsSettings } from './tls-options.ts'
import { watchMaterial } from './watch-material.ts'

afterEach(() => void vi.useRealTimers())

const folder = mkdtempSync(join(tmpdir(), 'tenon-core-tls-'))
const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }

function identity(name: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, `${name}-cert.pem`), join(folder, `${name}-key.pem`)]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const files = ['-keyout', key, '-out', cert]
  execFileSync('openssl', ['req', '-x509', ...curve, ...files, '-subj', `/CN=${name}`, '-days', '2'], { stdio: 'pipe' })
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

test('files are looked at from time to time where nothing tells of a change', async () => {
  const [first, second] = [identity('first'), identity('second')]
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const late = join(folder, 'late')
  const options = { cert: join(late, 'cert.pem'), key: join(late, 'key.pem'), pollIntervalMs: 5000 }
  const settings = toTlsSettings(options, 'httpTransport')
  const { promise, resolve } = Promise.withResolvers<string>()
  const current = { ...first, ca: undefined }
  // A folder that is not there yet cannot be watched.
  using _watch = watchMaterial({ settings, current, log, use: ({ cert }) => resolve(cert) })
  mkdirSync(late)
  using _folder = { [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
  writeFileSync(settings.cert, second.cert)
  writeFileSync(settings.key, second.key)
  vi.advanceTimersByTime(5000)
  expect(await promise).toBe(second.cert)
})
