import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConformanceHarness } from '@tenon/testing/conformance'
import { harnessOf, type HttpReply } from './http-harness.ts'

const identity = selfSigned()

/** HTTP/2 over TLS: the same requests and replies as over HTTP/1.1. */
export const http2Harness: ConformanceHarness = harnessOf({
  name: 'http2',
  options: { tls: identity, http2: true },
  open: ({ port, method, path, headers, signal }) => {
    const session = connect(`https://localhost:${port}`, { ca: identity.cert })
    const sent = session.request(
      { ':method': method, ':path': path, ...headers },
      { endStream: false, ...(signal && { signal }) },
    )
    // What fails the connection fails the request on it.
    session.on('error', () => undefined)
    sent.once('close', () => session.close())
    sent.once('trailers', (trailers) => Object.assign(sent, { trailers }))
    const answered = once(sent, 'response').then(([{ ':status': statusCode, ...others }]) =>
      Object.assign(sent, { statusCode, headers: others }),
    )
    return { sent, answered: answered as Promise<HttpReply> }
  },
})

/** A certificate for `localhost` that is its own authority. */
function selfSigned() {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-http2-'))
  try {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' })
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
