import { readFile } from 'node:fs/promises'
import type { SecureContextOptions } from 'node:tls'
import { ConfigError } from '../../error/setup-error.ts'
import { optionCheck } from '../../error/option-check.ts'
import type { TlsSettings } from './tls-options.ts'

/** What the server shows its callers and knows theirs by, as PEM texts. */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
  readonly ca: string | undefined
}

/** The files that are named in the settings, whatever is in them. */
export function filesOf({ cert, key, ca }: TlsSettings): readonly string[] {
  return [...new Set([cert, key, ca].filter((value) => value !== undefined))].filter((value) => !isPem(value))
}

/**
 * Reads what is in files, and makes sure that it can be used together.
 *
 * @throws ConfigError `config.malformed` naming the option, with every problem that is found
 */
export async function readTlsMaterial(settings: TlsSettings): Promise<TlsMaterial> {
  const names = ['cert', 'key', 'ca'] as const
  const texts = await Promise.allSettled(names.map((name) => readText(settings[name])))
  const { malformed } = optionCheck(settings.owner)
  const problems = names.flatMap((name, index) => {
    const text = texts[index]
    return text?.status === 'rejected' ? [malformed(`tls.${name} cannot be read: ${reasonOf(name, text.reason)}`)] : []
  })
  if (problems.length > 0) throw new ConfigError(problems)
  const [cert = '', key = '', ca] = texts.map((text) => (text.status === 'fulfilled' ? text.value : undefined))
  const material: TlsMaterial = Object.freeze({ cert, key, ca })
  await requireUsable(material, settings)
  return material
}

/** What Node makes of the material. */
export function toContextOptions({ cert, key, ca }: TlsMaterial, { minVersion }: TlsSettings): SecureContextOptions {
  return { cert, key, minVersion, ...(ca !== undefined && { ca }) }
}

export function isSameMaterial(one: TlsMaterial, other: TlsMaterial): boolean {
  return one.cert === other.cert && one.key === other.key && one.ca === other.ca
}

async function requireUsable(material: TlsMaterial, settings: TlsSettings): Promise<void> {
  // Loaded here, so that whoever speaks no TLS need not.
  const { createSecureContext } = await import('node:tls')
  try {
    createSecureContext(toContextOptions(material, settings))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `tls.cert and tls.key cannot be used together (with tls.ca, where it is given): ${reason}`
    throw new ConfigError([optionCheck(settings.owner).malformed(message)], cause)
  }
}

/** Where the key is said to be is not told: it may be the key, in another form than PEM. */
function reasonOf(name: 'cert' | 'key' | 'ca', thrown: unknown): string {
  if (name !== 'key') return String(thrown)
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
  return `it is neither a PEM text nor the path of a file that can be read (${code})`
}

async function readText(value: string | undefined): Promise<string | undefined> {
  return value === undefined || isPem(value) ? value : readFile(value, 'utf8')
}

/** @see RFC 7468 section 2 */
function isPem(value: string): boolean {
  return value.includes('-----BEGIN ')
}
