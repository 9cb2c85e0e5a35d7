import {
  type Document,
  type DocumentOptions,
  LineCounter,
  type ParseOptions,
  parseAllDocuments,
  type SchemaOptions,
  visit,
} from 'yaml'
import { UsageError } from '../../command/command.ts'
import { type Manifest, manifestsIn } from './manifest.ts'

/**
 * The objects in a text of YAML or JSON: several documents, and lists. It is read as kubectl reads it.
 *
 * @param source Names the text in messages.
 * @throws UsageError that names the line where it is no YAML, and quotes nothing: what stands there may be a secret
 */
export function parseManifests(text: string, source: string): readonly Manifest[] {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { ...asKubectl, lineCounter: lines, prettyErrors: false })
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document) => {
    const read = valueOf(document)
    if (read.ok) return manifestsIn(read.value)
    const hint = text.includes('{{')
      ? '; a template of Helm has to be rendered: helm template … | tenon doctor <service.ts> -'
      : ''
    throw new UsageError(`${source} is no YAML: ${read.reason}, line ${lines.linePos(read.offset).line}${hint}`)
  })
}

/**
 * kubectl reads YAML 1.1 without moments and numbers of base 60, and takes the last of equal keys.
 *
 * @see sigs.k8s.io/yaml, goyaml.v2: resolve.go
 */
const asKubectl = {
  version: '1.1',
  merge: true,
  uniqueKeys: false,
  stringKeys: true,
  customTags: (tags) =>
    tags.filter(
      (tag) => typeof tag === 'string' || (tag.tag !== 'tag:yaml.org,2002:timestamp' && tag.format !== 'TIME'),
    ),
} satisfies ParseOptions & DocumentOptions & SchemaOptions

/** With a place of what cannot be read, from the beginning of the text. */
type Read =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string; readonly offset: number }

function valueOf(document: Document.Parsed): Read {
  const [error] = document.errors
  if (error !== undefined) return { ok: false, reason: withoutQuote(error), offset: error.pos[0] }
  try {
    return { ok: true, value: document.toJS() }
  } catch (refusal) {
    const offset = lostAlias(document)
    if (offset !== undefined) return { ok: false, reason: 'an alias without its anchor', offset }
    return { ok: false, reason: withoutQuote(refusal), offset: document.contents?.range[0] ?? document.range[0] }
  }
}

/** Where the first alias stands that has no anchor before it. */
function lostAlias(document: Document.Parsed): number | undefined {
  let offset: number | undefined
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document) !== undefined) return undefined
      offset = alias.range?.[0]
      return visit.BREAK
    },
  })
  return offset
}

/** What the parser says, without what it quotes: that comes after a colon, and of an escape sequence the sequence. */
function withoutQuote(error: unknown): string {
  const [reason = ''] = error instanceof Error ? error.message.split(/[:\\\n]/) : []
  return reason.trim()
}
