import { X509Certificate } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate with its key, both PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

/** Makes an authority that signs what it is asked to. */
export function authority() {
  const ca = openssl(['-subj', '/CN=authority'])
  return {
    cert: ca.cert,
    /** @param names With their kinds, as openssl calls them: `URI:spiffe://prod.example/order`, `DNS:order`. */
    sign: (...names: readonly string[]): Identity => openssl(['-subj', '/CN=order/O=Shop'], { ca, names }),
    /** Signs for whom has no subject, as a workload need not. */
    signUnnamed: (...names: readonly string[]): Identity => openssl(['-subj', '/'], { ca, names }),
  }
}

export const parsed = ({ cert }: Pick<Identity, 'cert'>): X509Certificate => new X509Certificate(cert)

function openssl(options: readonly string[], given?: { readonly ca: Identity; readonly names: readonly string[] }) {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-auth-'))
  const path = (name: string) => join(folder, name)
  try {
    const [cert, key] = [path('cert.pem'), path('key.pem')]
    if (given) {
      writeFileSync(path('ca.pem'), given.ca.cert)
      writeFileSync(path('ca.key'), given.ca.key)
      writeFileSync(path('leaf.cnf'), leafConfig(given.names))
    }
    const by = given ? ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-config', path('leaf.cnf')] : []
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    execFileSync('openssl', ['req', '-x509', ...by, ...kind, ...options, '-keyout', key, '-out', cert], {
      stdio: 'pipe',
    })
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** In a file a name may hold a comma, which on the command line would begin another. */
function leafConfig(names: readonly string[]): string {
  const lines = names.map((name, index) => name.replace(':', `.${index} = `))
  const head = '[req]\ndistinguished_name = subject\nx509_extensions = leaf\n[subject]\n'
  return `${head}[leaf]\nbasicConstraints = CA:FALSE\nsubjectAltName = @names\n[names]\n${lines.join('\n')}\n`
}
